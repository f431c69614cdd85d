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
  promised(
    'B-GW-64',
    'Every upgrade is taken: who comes with a wrong path, key or version is told why, and closed with the code that stock SDKs know.',
  ),
  promised(
    'B-GW-65',
    'Presence is of people over all their connections: one member_added, one member_removed after three seconds of grace, a hundred people at most.',
  ),
  promised(
    'B-GW-66',
    'A client event reaches the others of a private or presence channel with its sender’s id, ten a second at most; whatever has no right to it is refused with 4301, which never closes.',
  ),
  promised(
    'B-GW-67',
    'Who has signed in is reached on their own channel, and nobody else subscribes to it.',
  ),
  promised(
    'B-GW-68',
    'No stock SDK is sent into a hot loop or away for ever by load, drain or silence: never 4200 within a second, never 4300 and above, no event ping but for pusher-js.',
  ),
  promised(
    'B-GW-69',
    'Unmodified SDKs are told what they missed, in order: from what they acknowledged by their pongs, or from where their app says; what cannot be told whole is said to be a gap.',
  ),
  promised(
    'B-GW-70',
    'A member’s channel opens by a grant of ours alone, for this socket, in its tenant; the right is checked at each delivery, and a revoked one ends within 2 s.',
  ),
  promised(
    'B-GW-71',
    'The HTTP API that Pusher’s libraries call publishes, tells and ends what they ask for, on the channels of its own app alone, and refuses what is wrong by its rule.',
  ),
  promised(
    'B-GW-72',
    'Webhooks go out once an event over all instances, signed over their bytes, tried for five minutes, to public hosts alone.',
  ),
  promised(
    'B-GW-73',
    'The authorization endpoints let a caller onto the channels of the members whose twin they may see, and tell of others nothing, not even whether there are any.',
  ),

  promised(
    'B-GW-74',
    'pusher-js 8.6, 7.6, 6.0, 5.1 and 4.4 and Pusher’s own server library work unchanged: each case of the SDK’s integration suite.',
  ),
  promised(
    'B-GW-75',
    'Nothing of one member, user, app or tenant is told to another, whatever is asked or said.',
  ),

  promised(
    'B-GW-76',
    'A killed instance, and a move from one to another, costs an unmodified SDK nothing that still means something.',
  ),

  promised(
    'B-GW-77',
    'The Java SDK that Android apps ship works unchanged by protocol 5: channels, members, client events, sign-in, drops and long silence.',
  ),

  promised(
    'B-GW-78',
    'The front takes every WebSocket while no instance is there, and makes it one with an instance once there is one: no stock SDK goes away for 15 s.',
  ),
];
