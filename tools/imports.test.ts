import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SourceFile } from './files.ts';
import { findCycles, findWords, findWrongImports } from './imports.ts';

const file = (path: string, ...lines: string[]): SourceFile => ({ path, text: lines.join('\n') });

test('B-PK-3: an import against the table is named with its reason', () => {
  const [first, ...more] = findWrongImports([
    file('src/mcp/a.ts', "import { x } from '../gateway/x.ts';", "import { y } from './y.ts';"),
  ]);
  assert.match(
    first ?? '',
    /src\/mcp\/a\.ts imports src\/gateway\/x\.ts: mcp may not know gateway/,
  );
  assert.match(first ?? '', /twin\/ports\.ts/);
  assert.deepEqual(more, []);
});

test('types, re-exports, imports over several lines and at run time count too', () => {
  const target = "'../log/x.ts'";
  for (const text of [
    `import type { X } from ${target};`,
    `export { x } from ${target};`,
    `import {\n  x,\n  y,\n} from ${target};`,
    `const x = await import(${target});`,
    `import ${target};`,
  ]) {
    assert.equal(findWrongImports([file('src/view/a.ts', text)]).length, 1, text);
  }
});

test('what the table allows passes, and words in comments are no imports', () => {
  const text =
    "import { x } from '../twin/x.ts';\n/* from '../log/x.ts' */\n// import '../log/x.ts'";
  assert.deepEqual(findWrongImports([file('src/view/a.ts', text)]), []);
});

test('the SDK names no module of Node, and a folder that is no room is named', () => {
  const wrong = findWrongImports([
    file('src/sdk/a.ts', "import { x } from 'node:fs';"),
    file('src/utils/a.ts', ''),
  ]);
  assert.match(wrong[0] ?? '', /browser/);
  assert.match(wrong[1] ?? '', /utils is no room/);
});

test('a cycle is named with its way round', () => {
  const cycles = findCycles([
    file('src/twin/a.ts', "import './b.ts';"),
    file('src/twin/b.ts', "import './c.ts';"),
    file('src/twin/c.ts', "import './b.ts';"),
  ]);
  assert.deepEqual(cycles, ['import cycle: src/twin/b.ts -> src/twin/c.ts -> src/twin/b.ts']);
});

test('stdout, the environment and the end of the process have their rooms', () => {
  const lines = ['console.log(1);', 'process.env.X;', 'process.exit(1);'];
  assert.equal(findWords([file('src/view/a.ts', ...lines)]).length, 3);
  assert.deepEqual(findWords([file('src/view/a.test.ts', ...lines)]), []);
  assert.equal(findWords([file('src/main.ts', ...lines)]).length, 1);
});
