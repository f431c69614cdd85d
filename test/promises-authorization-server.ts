/** Of the authorization server for development: docs/authorization-server.md. */
const spine = (id: string, says: string) => ({ id, says, source: 'the main job' });

export const AUTHORIZATION_SERVER_PROMISES = [
  spine(
    'B-AS-1',
    'A client that knows only the server’s address logs a person in and reads: both SDKs, by document and by registration, and Inspector’s page.',
  ),
  spine(
    'B-AS-2',
    'A token of the authorization server has the contract’s claims, one audience and at most an hour; code without S256 is refused.',
  ),
  spine('B-AS-3', 'A refresh token serves once; used again, all of its grant ends at once.'),
  spine(
    'B-AS-4',
    'What is revoked is refused at once, with what was exchanged for it, and stays refused after a restart.',
  ),
  spine(
    'B-AS-5',
    'A client’s document is fetched by https from public hosts alone, by the address that was checked, within bounds; loopback takes a setting.',
  ),
  spine(
    'B-AS-6',
    'Clients may register within bounds, with answers by https or to loopback, and nothing of theirs is fetched.',
  ),
  spine(
    'B-AS-7',
    'An exchange adds the agent to the act chain and narrows: audience exact, scopes and life no more than the source’s, may_act honoured.',
  ),
  spine(
    'B-AS-8',
    'An agent with a person’s token sees what the person ticked, once ticked; without a tick consent writes no relation and opens nothing.',
  ),
  spine(
    'B-AS-9',
    'Who logs in brings a code of one use, but for the demo’s made-up people on loopback; strong scopes and step-up need the code.',
  ),
  spine(
    'B-AS-10',
    'The pages name client, person, scopes and time, run no script, stand in no frame, take only their own forms, and show a client’s words as text.',
  ),
  spine(
    'B-AS-11',
    'Nothing of the authorization server answers in production, or beside a company’s issuer.',
  ),
];
