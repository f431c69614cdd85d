import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readFiles } from '../files.ts';
import { KAFKA_VERSION } from './kafka.ts';
import { SPICEDB_VERSION } from './spicedb.ts';

/** A version stands where its part is brought, where its cache is named, and in the containers. */
const PLACES: readonly (readonly [string, RegExp, string])[] = [
  ['tools/parts/kafka/pom.xml', /kafka_2\.13<\/artifactId>\s*<version>([^<]+)/g, KAFKA_VERSION],
  ['deploy/compose.yaml', /apache\/kafka:(\S+)/g, KAFKA_VERSION],
  ['tools/spicedb/go.mod', /github\.com\/authzed\/spicedb v(\S+)/g, SPICEDB_VERSION],
  ['deploy/compose.yaml', /authzed\/spicedb:v(\S+)/g, SPICEDB_VERSION],
];

for (const [path, pattern, version] of PLACES) {
  test(`${path} brings version ${version}`, () => {
    const found = readFiles(path).flatMap(({ text }) =>
      [...text.matchAll(pattern)].map(([, named]) => named),
    );
    assert.ok(found.length > 0);
    for (const named of found) assert.equal(named, version);
  });
}
