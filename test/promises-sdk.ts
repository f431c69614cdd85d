/** Of the SDKs, and of moving from Pusher to the gateway: docs/sdk.md. */
const promised = (id: string, says: string) => ({ id, says, source: 'realtime.md §5, §6' });

export const SDK_PROMISES = [
  promised(
    'B-GW-31',
    'A rollout flag moves its percentage of members, the same ones at each step and on each instance, and setting it back takes all of them back at once.',
  ),
  promised(
    'B-GW-32',
    'The SDK says on each connection what then holds, goes on in each stream from the last place, tells in order and nothing twice, and keeps a place back until the event is handled.',
  ),
  promised(
    'B-GW-33',
    'Whatever the SDK cannot tell whole is told as a gap with its reason, also where the app itself was too slow.',
  ),
  promised(
    'B-GW-34',
    'The SDK comes back after pauses of 1 s doubling to 30 s, all of them left to chance, endlessly unless told otherwise, and stops at what is refused for good.',
  ),
  promised(
    'B-GW-35',
    'Refreshes and reconnections ask for one token at a time, an old one never takes the place of a newer one, and nothing opens after the end.',
  ),
  promised(
    'B-GW-36',
    'While no socket can be had the SDK reads the change feed, tells each state of a document once over both, and tells nothing that a filter might refuse.',
  ),
  promised(
    'B-GW-37',
    'The realtime SDK has no dependency, less than 10 KB when shipped, and a type for every event that the gateway tells.',
  ),
  promised(
    'B-GW-38',
    'The Kotlin SDK resumes, waits, refreshes and tells of gaps by the same rules as the other one.',
  ),
  promised(
    'B-GW-39',
    'What was said last of a call can be asked for by its id for a day, byte for byte, with whether it may still ring; events that come late change nothing.',
  ),
  promised(
    'B-GW-40',
    'While members move, each event goes to Pusher as well, once, by its name and bytes there and in order; a Pusher that is slow or away costs the gateway nothing, and what did not arrive is counted.',
  ),
  promised(
    'B-GW-41',
    'Who and what is still on Pusher stands by day, and the gate of each step opens only with both ways compared, nothing lost, no slower, and the step before held for a day.',
  ),
  promised(
    'B-GW-42',
    'In a real browser stock pusher-js and our SDK lose nothing when the network drops in the middle, nothing that is over rings, and where sockets are kept away the SDK polls.',
  ),
];
