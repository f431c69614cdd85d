/** Of the gateway's core and its own protocol: docs/gateway.md. */
const promised = (id: string, says: string) => ({ id, says, source: 'realtime.md §5' });

export const REALTIME_PROMISES = [
  promised(
    'B-GW-1',
    'Each event stands once in its stream, whoever sends it again and whoever dies between the log and the commit.',
  ),
  promised(
    'B-GW-2',
    'Who comes again with the last place seen is told everything after it, once, in order, and then what comes.',
  ),
  promised(
    'B-GW-3',
    'A replay is whole or none: what cannot be told whole is said to be so, with the reason.',
  ),
  promised(
    'B-GW-4',
    'A change reaches every subscriber who may read it, in the order of its stream; a read with the frame’s position shows it.',
  ),
  promised(
    'B-GW-5',
    'Rights are those of every other surface, asked at subscribing, at each delivery and at replay; a revoked right ends what it held within 2 s, and what is denied looks like what is not there.',
  ),
  promised(
    'B-GW-6',
    'A connection lives with a good token: one that is renewed in place keeps it, one of somebody else changes nothing, and with the last one it ends.',
  ),
  promised(
    'B-GW-7',
    'Whatever a client sends that is no message of the protocol ends its connection, and harms nobody else’s.',
  ),
  promised(
    'B-GW-8',
    'Who is present is told once when their first connection joins, and once after the last has gone for three seconds, over all instances; of an instance that was killed within 15 s.',
  ),
  promised(
    'B-GW-9',
    'What a subscriber may not know of a stream, its offsets, counts and times do not tell either; only that there was more in all than a replay has.',
  ),
  promised(
    'B-GW-10',
    'An event over HTTP needs the scope of its type and a member of the caller’s tenant, goes to the log and nowhere else, and reaches the apps byte for byte.',
  ),
  promised(
    'B-GW-11',
    'What waits for a slow client is bounded in bytes and time: a document’s newest state stands for those before it, and past the bound the connection ends and what it missed is told to who comes again.',
  ),
  promised(
    'B-GW-12',
    'An upgrade is never refused to who may come: a crowd is paced on open connections, and told to come again where that takes too long.',
  ),
  promised(
    'B-GW-13',
    'A connection with a token and one subscription keeps at most 20 KB, and gives it back when it is gone.',
  ),
  promised(
    'B-GW-14',
    'However many subscribe at once, rights are asked of a few at a time, so that no answer comes too late, and of nobody who has gone meanwhile.',
  ),
];
