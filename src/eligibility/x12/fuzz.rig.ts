import assert from 'node:assert/strict';
import fc from 'fast-check';
import { decode271 } from './decode.ts';
import { tokenize } from './tokenize.ts';

const edit = fc.record({
  at: fc.nat(2_000),
  cut: fc.nat(40),
  put: fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.constantFrom('~', '*', '^', ':', 'EB*', 'HL*', '~EB', '~AAA*N**42*R', 'ISA*'),
  ),
});

/** Spoils answers in up to eight places: each benefit that is read must be an EB that stands there. */
export function fuzzed(originals: readonly string[], numRuns: number): void {
  fc.assert(
    fc.property(fc.constantFrom(...originals), fc.array(edit, { maxLength: 8 }), (text, edits) => {
      const spoilt = edits.reduce(
        (all, { at, cut, put }) => all.slice(0, at) + put + all.slice(at + cut),
        text,
      );
      const answer = decode271(spoilt);
      assert.equal(answer.raw, spoilt);
      const { segments } = tokenize(spoilt);
      for (const { path, code, amount, percent, quantity } of answer.benefits) {
        const eb = segments.find(({ number }) => `segment ${number}` === path);
        assert.equal(eb?.id, 'EB');
        const elements = eb?.elements.map((one) => one.trim()) ?? [];
        assert.deepEqual(
          [code, amount ?? elements[6], percent ?? elements[7], quantity ?? elements[9]],
          [elements[0], elements[6], elements[7], elements[9]],
        );
      }
    }),
    { numRuns, verbose: 1 },
  );
}
