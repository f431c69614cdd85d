import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LIMITS } from '../../kernel/limits.ts';
import { Registry } from './registry.ts';
import type { StreamState } from './stream.ts';
import { COVERAGE, heldSink, principal, streamOf } from './test/rig.ts';

const PROFILE = 'mcp://twins/member/ana/profile';
const OTHER = 'mcp://twins/member/ben/coverage';
const FEED = 'mcp://twins/changes/now';

function opened(registry: Registry, subject: string): StreamState {
  const stream = streamOf(subject, principal(subject), heldSink().sink);
  registry.enter(stream);
  return stream;
}

test('a change finds its own subscribers, a relation those of its member', () => {
  const registry = new Registry();
  const [one, two] = [opened(registry, 'one'), opened(registry, 'two')];
  registry.link(one, COVERAGE, 'general');
  registry.link(one, PROFILE, 'general');
  registry.link(two, OTHER, 'full');
  registry.link(two, FEED, 'general');
  assert.deepEqual([...registry.subscribers(COVERAGE)], [one]);
  assert.deepEqual([...registry.subscribers('mcp://twins/member/cleo/profile')], []);
  assert.deepEqual([...registry.ofMember('ana')], [one]);
  assert.deepEqual([...registry.ofMember('ben')], [two]);
  assert.deepEqual([...registry.feeds], [two]);
});

test('a member is forgotten with the last of its URIs, a feed with its last cursor', () => {
  const registry = new Registry();
  const stream = opened(registry, 'one');
  for (const uri of [COVERAGE, PROFILE, FEED]) registry.link(stream, uri, 'general');
  registry.unlink(stream, COVERAGE);
  assert.deepEqual([...registry.ofMember('ana')], [stream]);
  registry.unlink(stream, PROFILE);
  assert.deepEqual([...registry.ofMember('ana')], []);
  registry.unlink(stream, FEED);
  assert.equal(registry.feeds.size, 0);
});

test('what waits to be told of a URI goes with the URI', () => {
  const registry = new Registry();
  const stream = opened(registry, 'one');
  registry.link(stream, COVERAGE, 'general');
  stream.pending.set(COVERAGE, { uri: COVERAGE, variant: 'general' });
  registry.unlink(stream, COVERAGE);
  assert.equal(stream.pending.size, 0);
});

test('the streams of one principal are bounded, those of others are not', () => {
  const registry = new Registry();
  const streams = Array.from({ length: LIMITS.streamsPerPrincipalMax }, () =>
    opened(registry, 'a'),
  );
  assert.throws(() => opened(registry, 'a'), { code: 'RATE_LIMITED' });
  opened(registry, 'b');
  const [first] = streams;
  assert.ok(first);
  registry.leave(first);
  opened(registry, 'a');
});

test('URIs are bounded by stream and by principal', () => {
  const registry = new Registry();
  const { urisPerSubscriptionMax, urisPerPrincipalMax } = LIMITS;
  const full = urisPerPrincipalMax / urisPerSubscriptionMax;
  for (let stream = 0; stream < full; stream += 1) {
    const own = opened(registry, 'a');
    registry.reserve(own, urisPerSubscriptionMax);
    assert.throws(() => registry.reserve(own, urisPerSubscriptionMax + 1), {
      code: 'RATE_LIMITED',
    });
    for (let n = 0; n < urisPerSubscriptionMax; n += 1) {
      registry.link(own, `mcp://twins/member/m${n}/coverage`, 'general');
    }
  }
  assert.throws(() => registry.reserve(opened(registry, 'a'), 1), { code: 'RATE_LIMITED' });
  registry.reserve(opened(registry, 'b'), 1);
});

test('B-MC-16: the streams of one tenant are bounded, and leave another tenant its own', () => {
  const registry = new Registry();
  const { streamsPerTenantMax, streamsPerPrincipalMax } = LIMITS;
  const held: StreamState[] = [];
  for (let n = 0; n < streamsPerTenantMax; n += 1) {
    held.push(opened(registry, `user-${Math.floor(n / streamsPerPrincipalMax)}`));
  }
  assert.throws(() => opened(registry, 'one-more'), { code: 'RATE_LIMITED' });
  const other = streamOf('other', { ...principal('x'), tenant: 'other' }, heldSink().sink);
  registry.enter(other);
  for (const stream of held) registry.leave(stream);
  for (const stream of held) registry.leave(stream);
  opened(registry, 'one-more');
});

test('after any linking and unlinking the indexes say what the streams say', () => {
  const uris = [COVERAGE, PROFILE, OTHER, FEED];
  const step = fc.record({
    stream: fc.nat(2),
    uri: fc.constantFrom(...uris),
    verb: fc.constantFrom('link', 'unlink', 'leave'),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const registry = new Registry();
      const streams = ['a', 'b', 'c'].map((subject) => opened(registry, subject));
      for (const { stream: index, uri, verb } of steps) {
        const stream = streams[index];
        if (stream === undefined) continue;
        if (verb === 'leave') registry.leave(stream);
        else if (verb === 'unlink') registry.unlink(stream, uri);
        else registry.link(stream, uri, 'general');
      }
      const holding = (...some: string[]) =>
        new Set(streams.filter(({ uris: own }) => some.some((uri) => own.has(uri))));
      for (const uri of uris) assert.deepEqual(new Set(registry.subscribers(uri)), holding(uri));
      assert.deepEqual(new Set(registry.ofMember('ana')), holding(COVERAGE, PROFILE));
      assert.deepEqual(new Set(registry.ofMember('ben')), holding(OTHER));
      assert.deepEqual(new Set(registry.feeds), holding(FEED));
    }),
  );
});
