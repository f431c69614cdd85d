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
    'B-GW-9',
    'What a subscriber may not know of a stream, its offsets, counts and times do not tell either.',
  ),
];
