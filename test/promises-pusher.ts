/** Of the gateway's Pusher face: docs/gateway.md. */
const promised = (id: string, says: string) => ({ id, says, source: 'realtime.md §2' });

export const PUSHER_PROMISES = [
  promised(
    'B-GW-60',
    'Every frame of the shipped Pusher SDKs is understood, and every frame to them is the bytes that they need: data as text always, of errors as an object.',
  ),
  promised(
    'B-GW-61',
    'The documented signatures hold, and none serves another socket, channel, data, body, app or time; they are compared in constant time.',
  ),
  promised(
    'B-GW-62',
    'The five events of a video visit keep their Pusher names, and their data is the bytes that the backend said.',
  ),
  promised(
    'B-GW-63',
    'What was missed is told by what it still means: a call that is old or over never rings, and what was left out for that is counted and in the audit.',
  ),
];
