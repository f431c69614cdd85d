/**
 * What the product promises, as data. A test cites a promise by its id, in its own name or by
 * `promise('P1')`; `npm run check` fails on an id that nobody cites and on one that nobody promised.
 */

import { AUTHORIZATION_SERVER_PROMISES } from './promises-authorization-server.ts';
import { BREAK_GLASS_PROMISES } from './promises-break-glass.ts';
import { ELIGIBILITY_PROMISES } from './promises-eligibility.ts';
import { GATEWAY_PROMISES } from './promises-gateway.ts';

export interface Promised {
  readonly id: string;
  /** The whole promise in one sentence that a test can break. */
  readonly says: string;
  readonly source: string;
}

const design = (id: string, says: string): Promised => ({ id, says, source: 'design §9' });
const idea = (id: string, says: string): Promised => ({ id, says, source: 'design §2' });
const events = (id: string, says: string): Promised => ({ id, says, source: 'design §6' });
const spine = (id: string, says: string): Promised => ({ id, says, source: 'the main job' });

export const PROMISES: readonly Promised[] = [
  design(
    'P1',
    'Nobody receives, by any surface, a document or an event of it that they may not read by the newest decision; at most 2 s after a revoke was committed, or at the instant of expiry, no further byte is sent.',
  ),
  design(
    'P2',
    "Every acknowledged change reaches every entitled subscriber within the surface's retention, or the subscriber is told that there was a gap.",
  ),
  design(
    'P3',
    'A read that asks for position p returns data at or after p, or VIEW_BEHIND within the bound; a principal told of a change never reads older data afterwards.',
  ),
  design(
    'P4',
    "A member's changes are seen in the order in which the log accepted them; a duplicate has no second effect.",
  ),
  design(
    'P5',
    'An audit record is durable before the first byte of a disclosure; verification names any edit, deletion, reordering and truncation.',
  ),
  design(
    'P6',
    "A dependency's loss leads to a clear error or to stated staleness, never to a wider answer.",
  ),
  design(
    'P7',
    "A subscriber holds at most 64 KB of queued bytes; a stalled one costs the others' p99 less than 10 %.",
  ),
  design(
    'P8',
    'An accepted eligibility check reaches exactly one terminal state, across kill -9, and every waiter can read it.',
  ),
  design(
    'P9',
    'Logs, traces, keys, headers and errors hold only our opaque ids; metric labels hold no id at all.',
  ),
  design('P10', 'A wrong, unknown or unparsable argument is an error, never a wider result.'),

  spine('B-PK-1', 'What npm packs runs the command and the SDK from an empty folder.'),
  spine('B-PK-2', 'The command runs on any Node from 20 on, by the Node of its own.'),
  spine('B-PK-3', 'An import against the table of rooms is named with its reason.'),
  spine('B-PK-4', 'A path, script or count that a document gets wrong is found.'),
  spine('B-PK-5', 'A promise that no test cites fails the gate.'),

  spine(
    'B-IN-1',
    'A transaction bundle is taken by POST /v1/sources, and its documents can be read.',
  ),
  spine('B-IN-2', 'A bundle, or a folder of them, is taken by the command `import`.'),
  spine(
    'B-IN-3',
    'A bundle with one wrong entry is refused whole, naming the entry and the reason.',
  ),
  spine('B-IN-4', 'References are resolved: within the bundle, by identifier, to the directory.'),
  spine('B-IN-5', 'The same event id a second time has no effect, and gets the same receipt.'),
  spine('B-IN-6', 'A record older than the one that the log holds is stale, and changes nothing.'),
  spine('B-IN-7', 'Records give the same etags in whatever order and portions they come.'),
  spine('B-IN-8', 'A record that refers to the unknown waits, bounded, also across a restart.'),
  spine(
    'B-IN-9',
    'Everything of a replaced member becomes the survivor’s; of the old one nothing is left to be read.',
  ),
  spine(
    'B-IN-10',
    'Bundles of each kind, single resources, ndjson, folders, exports and stdin go in, packed or plain.',
  ),
  spine(
    'B-IN-11',
    'Of two writers that name the same etag exactly one succeeds, wherever they write, and each reads what came of it.',
  ),

  spine(
    'B-LV-1',
    'After kill -9 during an import, what was acknowledged is there, and nothing half.',
  ),
  spine('B-LV-2', 'After kill -9 and a new start, the etags are those of an undisturbed run.'),
  spine('B-LV-3', 'A view rebuilt from the log, in batches of any size, has the same etags.'),
  spine('B-LV-4', 'A new projection version tells only of documents whose etag changed.'),
  spine('B-LV-5', 'Applying an accepted record never fails for what the record says.'),
  spine('B-LV-6', 'A read with minPosition waits for the view, bounded, or is VIEW_BEHIND.'),
  spine('B-LV-7', 'A delivered notification raises a floor that the next read honours.'),
  spine('B-LV-8', 'The change bus tells after the view has committed, and carries no PHI.'),
  spine('B-LV-9', 'Records, documents, index and offset of a batch stand together or not at all.'),
  idea(
    'B-LV-10',
    'A view that stood still so long that it may have missed deletions is built anew.',
  ),
  idea(
    'B-LV-11',
    'A view from a snapshot equals one from the log; one that does not fit is refused.',
  ),

  events(
    'B-EV-1',
    'What goes over the log comes back as it was, and is readable by its frame alone.',
  ),
  events(
    'B-EV-2',
    'A record that cannot be read ends in one of three reasons, never in another record.',
  ),
  events(
    'B-EV-3',
    'A field that may hold health information says so, and is never shown in a log.',
  ),
  events('B-EV-4', 'A published schema stays readable by its id; a breaking change is found.'),
  events(
    'B-EV-5',
    "A stock client of Confluent's reads and writes our topics by our registry API.",
  ),

  spine('B-TW-1', 'The five sections of a member are documents, each in both variants.'),
  spine('B-TW-2', 'A source document is read by its own URI, with its provenance.'),
  spine('B-TW-3', 'A protected record, and what refers to it, stands in the full variant alone.'),
  spine('B-TW-4', 'Nothing tells a reader of the general variant whether there is another.'),
  spine(
    'B-TW-5',
    'Every record that is taken in is in a section, in the directory, or of a kind on the list of ignored ones.',
  ),
  spine('B-TW-6', 'What a record says in two ways stands side by side, with its sources.'),
  spine('B-TW-7', 'A panel lists only members whose profile the caller may read.'),
  spine(
    'B-TW-8',
    'An access log tells of every reading of a member, by whom and by which right, and of no other member.',
  ),
  idea(
    'B-TW-9',
    'What a day changes is told once it has come: once, and where it reads differently.',
  ),

  spine('B-AC-1', 'Each cell of the table role by permission is what SpiceDB decides.'),
  spine('B-AC-2', 'The embedded SpiceDB is restored from the journal of relations.'),
  spine(
    'B-AC-3',
    'A cached decision dies with the change that touches it, and within 2 s in any case.',
  ),
  spine('B-AC-4', 'A grant with an expiration ends at that instant, by our own clock.'),
  spine(
    'B-AC-5',
    'A token that breaks any rule of the list is refused, and the log names the rule.',
  ),
  spine('B-AC-6', 'An agent needs both: the user may, and the user trusts this agent with it.'),
  spine(
    'B-AC-7',
    'A relations write is answered once SpiceDB has committed it; else "not revoked".',
  ),

  spine(
    'B-MC-1',
    'resources/list shows only what the caller may read, in pages, the same in both eras.',
  ),
  spine('B-MC-2', 'resources/read answers with a real ttlMs and cacheScope private.'),
  spine('B-MC-3', 'A listen acknowledges only URIs that the caller may read.'),
  spine('B-MC-4', 'A 2025-era session is bound to its principal: to any other it does not exist.'),
  spine('B-MC-5', 'A subscription ends with its token, and with the right to read.'),
  spine('B-MC-6', 'A burst of changes of one URI is told at least once and queued at most once.'),
  spine('B-MC-7', 'A notification carries etag and position.'),
  spine('B-MC-8', 'What changed can be pulled by cursor, and the cursor can be subscribed to.'),
  spine(
    'B-MC-9',
    'Each of the three tools answers in structured form and in text, and cites URIs.',
  ),
  spine(
    'B-MC-10',
    'Not allowed and not there are the same answer, in code, message, size and time.',
  ),
  spine('B-MC-11', 'stdio carries both eras to the one server of its data directory.'),
  spine('B-MC-12', 'Search finds nothing that the caller may not read, and takes any text.'),
  spine('B-MC-13', 'The official conformance suite passes in both eras, with tokens required.'),
  spine('B-MC-14', 'Completions offer only members and practitioners that the caller may see.'),
  spine('B-MC-15', 'Prompts hold documents as the one door gives them to this caller, or nothing.'),
  spine('B-MC-16', 'Requests, completions, streams and URIs are bounded for each principal.'),
  spine(
    'B-MC-17',
    'A request state serves once, for its own caller, tool and arguments, in its time.',
  ),
  spine(
    'B-MC-18',
    'Where it is not clear whom is meant, chat asks the person whose client takes forms.',
  ),
  spine(
    'B-MC-19',
    'One process holds 10,000 listen streams in a stated amount of memory, and frees each that closes.',
  ),
  spine('B-MC-20', 'An event costs its own subscribers, however many others listen.'),
  spine(
    'B-MC-21',
    'An answer whose stream broke is told once more, to its own session and token alone, while it would be shown anew.',
  ),

  spine(
    'B-AG-1',
    'A purpose of use narrows sections and fields alike on every surface, and never adds to them.',
  ),
  spine(
    'B-AG-2',
    'What scopes and purpose narrowed is named; what relations and protection did never is.',
  ),
  spine(
    'B-AG-3',
    'Only a person gives an agent trust by section, and sees and takes it back; no agent does.',
  ),
  spine(
    'B-AG-4',
    'A suspended client is closed whole, reads, streams and cursors, on every instance, until it is resumed.',
  ),
  spine(
    'B-AG-5',
    'A grant from a later day is in force from that instant, written once, whoever leads and whatever restarts.',
  ),
  spine(
    'B-AG-6',
    'Whatever ends a right closes reads, searches, streams of both eras, cursors and sessions alike.',
  ),
  spine(
    'B-AG-7',
    'Instances that share a Redis share one count of a caller; without it each allows a share, and never more.',
  ),
  spine(
    'B-AG-8',
    'On a page of the server a person sees which agents act for them, gives trust, and takes it back.',
  ),
  spine(
    'B-AG-9',
    'That page keeps its token in memory alone, takes no answer but its own login’s, and runs no script but ours.',
  ),
  spine(
    'B-AG-10',
    'Nothing is sent to a model: no dependency calls one, and each way out of the server is known by name.',
  ),
  spine('B-AG-11', 'Open streams are counted over all instances that share a Redis.'),

  spine('B-AD-1', 'The audit is a Merkle log after RFC 6962: its test vectors and proofs hold.'),
  spine(
    'B-AD-2',
    'Verification names the first row that was edited, deleted, moved, repeated, cut off, written anew, put before its time, or written by a second writer.',
  ),
  spine(
    'B-AD-3',
    'Signed checkpoints reach a witness outside; without one verification says what it cannot prove.',
  ),
  spine(
    'B-AD-4',
    'Every durable row of every instance reaches audit.records at least once, in order, across kill -9.',
  ),
  spine('B-AD-5', 'AuditEvents are FHIR R4 in the shapes of IHE BALP.'),
  spine(
    'B-AD-6',
    'A privacy officer gets disclosures and access reviews of the own tenant, whole, and nobody else does.',
  ),
  spine('B-AD-7', 'A flood of failed authentications takes a bounded number of rows.'),
  spine('B-AD-8', 'Reading an access log is recorded, and shows in it once the day is over.'),
  spine('B-AD-9', 'An export is verified without the server, from its rows and checkpoints alone.'),
  spine('B-AD-10', 'Beside a disclosure stands by which relations it was allowed.'),
  spine(
    'B-AD-11',
    'Settings of each start and flags as they come into force are in the audit, whoever set them.',
  ),
  spine(
    'B-HP-1',
    'The hot path of reads gives what the whole path gives, byte for byte, and nothing but successes.',
  ),
  spine(
    'B-HP-2',
    'A decision is known for two seconds at most, until anything changes that it rests on.',
  ),

  spine('B-FM-1', 'The demo runs whole: over HTTP in both eras and over stdio.'),
  spine('B-FM-2', 'The Inspector lists, reads and calls by its command line.'),
  spine('B-FM-3', 'Two stdio clients and an HTTP client are told of an import from elsewhere.'),
  spine('B-FM-4', 'A second server on one data directory is refused, naming process and port.'),
  spine(
    'B-FM-5',
    'A start with nothing configured has the demo members and prints how to connect.',
  ),
  spine(
    'B-FM-7',
    'Every SDK and both LangChains read, are refused, are told and are cut off; agents act once.',
  ),
  spine('B-FM-6', 'Each attack of the list for URIs, hosts, origins and sessions is refused.'),

  spine(
    'B-OA-1',
    'The metadata of the resource stands at its path form alone: issuer, scopes, and tokens by header.',
  ),
  spine(
    'B-OA-2',
    'A 401 names the metadata and the scopes of this very operation, and an error only where a token was sent.',
  ),
  spine(
    'B-OA-3',
    'A 403 names all scopes of the operation at once, and a token that has them passes.',
  ),
  spine(
    'B-OA-4',
    'The keys of a company’s issuer are found by metadata that names it exactly, within bounds and without redirects.',
  ),
  spine(
    'B-OA-5',
    'A key that the issuer adds is found, one it takes back counts no longer than stated; while it is away known keys go on, and unknown ones are 503.',
  ),
  spine(
    'B-OA-6',
    'Access tokens as each known vendor makes them are taken; each rule holds for them or is relaxed by name.',
  ),
  spine(
    'B-OA-7',
    'The log line of a refused token names the rule and what to set, and nothing of the token.',
  ),
  spine('B-OA-8', 'Our caller’s token goes to no other part.'),
  spine(
    'B-OA-9',
    'Production starts with a company’s issuer alone, and nothing for development runs in it.',
  ),
  spine(
    'B-OA-10',
    'What needs a newer or a stronger login says which (RFC 9470), and takes the token that has it.',
  ),
  spine(
    'B-OA-11',
    'Doctor looks at the issuer’s metadata, keys and clock, at the audience and at the pinned versions.',
  ),

  spine('B-RT-1', 'A member who is forgotten leaves no live record, and no byte in any file.'),
  spine('B-RT-2', 'What comes of a forgotten member is refused, until they are allowed again.'),
  spine('B-RT-3', 'A legal hold stands against forgetting and compaction, also after a restart.'),
  spine('B-RT-4', 'Holds, forgetting, retention and backups are in the audit, refused ones too.'),
  spine('B-RT-5', 'A backup made under load restores to the same etags, or leaves nothing.'),
  spine('B-RT-6', 'What is kept how long is one table: of topics, document and command.'),
  spine('B-RT-7', 'A de-identified record tells none of the 18 identifiers, and nobody by an id.'),
  spine('B-RT-8', 'Keys are replaced under use: the former is still known, the one before not.'),

  ...AUTHORIZATION_SERVER_PROMISES,
  ...BREAK_GLASS_PROMISES,
  ...ELIGIBILITY_PROMISES,
  ...GATEWAY_PROMISES,
];

/** Promises whose parts are not built yet. A gap that a test cites must leave this list. */
export const KNOWN_GAPS: readonly { readonly id: string; readonly reason: string }[] = [
  { id: 'P7', reason: 'gateway and load: measured where thousands of subscribers are held' },
];
