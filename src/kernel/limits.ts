/** Every bound on what comes from outside, by name, in one place. */
export const LIMITS = {
  /** One HTTP body on /mcp and on the plain JSON routes. */
  requestBodyBytesMax: 1024 * 1024,
  /** One FHIR bundle on POST /v1/sources; the largest shared Synthea bundle has some 6 MB. */
  bundleBytesMax: 64 * 1024 * 1024,
  /** Entries in one bundle. */
  bundleEntriesMax: 50_000,
  /** One record in the log (design §6). */
  recordBytesMax: 900 * 1024,
  /** Records of one tenant that wait for what they refer to, and their bytes; then no more. */
  waitingRecordsMax: 100_000,
  waitingBytesMax: 256 * 1024 * 1024,
  /** How long a record waits; then it is refused. */
  waitingMs: 24 * 3_600_000,
  /** Waiting records that are tried again in one transaction. */
  wakeRecordsMax: 2_000,
  /** Refused records that are remembered of one tenant, and for how long. */
  refusalsKeptMax: 10_000,
  /** Entries that a receipt, or a page of the waiting list, tells of one by one. */
  entriesToldMax: 1_000,
  /** What one instance holds in its outbox while the log is away; then no more. */
  outboxSubmissionsMax: 100_000,
  outboxBytesMax: 1024 * 1024 * 1024,
  /** How deep the elements of one resource may nest. */
  resourceDepthMax: 64,
  /** How deep the JSON of one MCP message may nest: validators further in call themselves. */
  messageDepthMax: 64,
  requestHeaderBytesMax: 16 * 1024,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 60_000,
  /** An access token, before it is parsed. */
  tokenCharsMax: 8 * 1024,
  /** Elements of a tool's input, for the SDK's `maxToolInputElements`. */
  toolInputElementsMax: 10_000,
  /** Requests with one token's principal, and with all tokens of one tenant, on one instance. */
  requestsPerSecond: 200,
  requestBurstSeconds: 5,
  tenantRequestsFactor: 10,
  /** Searches, and those that chats make, of one principal; a tenant has the factor of them. */
  searches: { perSecond: 100, burst: 1_000 },
  chatSearches: { perSecond: 50, burst: 500 },
  /** Of each of these, what one instance allows by itself while Redis is away. */
  localShareWithoutRedis: 0.5,
  /** A person types a few characters a second; whoever asks faster is counting ids. */
  completions: { perSecond: 10, burst: 30 },
  /** Values that a completion offers; the protocol allows 100. */
  completionValuesMax: 20,
  /** Open listen streams and 2025-era sessions of one principal; the Go SDK opens one a URI. */
  streamsPerPrincipalMax: 64,
  sessionsPerPrincipalMax: 32,
  /** What two tenants may hold; 10,000 take some 500 MB (test/streams-many.full.test.ts). */
  streamsMax: 24_000,
  /** So that no tenant takes what an instance can hold from the others. */
  streamsPerTenantMax: 12_000,
  urisPerTenantMax: 500_000,
  urisPerSubscriptionMax: 1_000,
  urisPerPrincipalMax: 5_000,
  /** A long poll of the change feed holds its request at most this long. */
  longPollMs: 30_000,
  /** A page of resources/list and of the change feed. */
  pageSize: 100,
  /** How long a floor stands: far longer than a view that answers may lag. */
  floorTtlMs: 10 * 60_000,
  /** One call of Redis; then it counts as away. */
  redisTimeoutMs: 250,
  /** The same of the gateway, where nobody waits on the hot path of a read. */
  gatewayRedisTimeoutMs: 5_000,
  /** How long a read with `minPosition` waits for the view (contract). */
  readWaitMs: 2_000,
  /** Nothing cached about a permission outlives this (design §5). */
  decisionTtlMs: 2_000,
  /** No heartbeat for this long: stop caching, check fully consistent. */
  heartbeatSilenceMaxMs: 1_000,
  heartbeatIntervalMs: 500,
  /** One permission check; then the answer is no. */
  checkTimeoutMs: 1_000,
  decisionCacheEntriesMax: 100_000,
  /** Items in one bulk check, ids in one page of a look-up. */
  checkItemsMax: 500,
  lookupPageSize: 1_000,
  /** One whole look-up; then there is no answer. */
  lookupTimeoutMs: 5_000,
  /** Changes in one write of relations; SpiceDB takes 1,000 at a time. */
  relationChangesMax: 500,
  /** One write of the schema, by the operator's command. */
  schemaWriteTimeoutMs: 30_000,
  /** One write of relations; then it counts as not committed. */
  relationsCommitTimeoutMs: 5_000,
  /** One record of a submission to be taken by Kafka; then the log counts as away. */
  sayTimeoutMs: 3_000,
  /** How long a submission waits for the decider; what it said is in the intake all the same. */
  outcomeTimeoutMs: 10_000,
  /** A subscription without cursor is told of what changed within this time (contract). */
  recentChangesMs: 5 * 60_000,
  /** Snapshots of the view in one folder; the oldest go. */
  snapshotsKept: 8,
  /** Members that one request forgets at most. */
  forgetMembersMax: 50,
  changesRetentionMs: 7 * 24 * 3_600_000,
  cursorTtlMs: 7 * 24 * 3_600_000,
  /** How long a question of a tool waits for its answer (security.md §1.4 M1). */
  requestStateTtlMs: 10 * 60_000,
  requestStateCharsMax: 4_096,
  /** Used states that an instance remembers; past that the older ones are refused, used or not. */
  requestStatesUsedMax: 100_000,
  /** Questions in one call of a tool. */
  questionsPerCallMax: 3,
  /** A 2025-era client's answer; and how many questions one of its sessions leaves unanswered. */
  elicitationTimeoutMs: 5 * 60_000,
  openQuestionsPerSessionMax: 8,
  /** Token life at most (contract "Claims") and clock skew (security.md §6, 15). */
  tokenLifeMaxSeconds: 3_600,
  clockSkewSeconds: 5,
  /** A company's issuer of tokens. */
  foreignIssuer: {
    /** How often its keys are read anew, and how long the known ones count while it is away. */
    refreshMs: 5 * 60_000,
    keepMs: 60 * 60_000,
    /** How long it is left alone after it was asked for a key that nobody knows. */
    coolDownMs: 10_000,
    /** One question to it, its answer, and the keys in that. */
    timeoutMs: 5_000,
    answerBytesMax: 256 * 1024,
    keysMax: 100,
  },
  /** The authorization server for development (docs/authorization-server.md). */
  issuer: {
    /** Clients that registered themselves, and how many may do so in a minute. */
    clientsMax: 1_000,
    registrationsPerMinute: 60,
    redirectUrisMax: 10,
    clientNameCharsMax: 60,
    /** A client id that is a URL, and a redirect URI. */
    clientIdCharsMax: 512,
    /** A client's metadata document, and how many are fetched in a minute. */
    documentBytesMax: 16 * 1024,
    documentTimeoutMs: 2_500,
    documentsPerMinute: 60,
    /** Sessions, grants, codes, refresh tokens and open logins: of each this many. */
    entriesMax: 10_000,
    /** Access tokens that have not ended. */
    tokensMax: 50_000,
    formBytesMax: 64 * 1024,
    registrationBytesMax: 16 * 1024,
    /** A person's login, and how long what they allowed is remembered. */
    sessionSeconds: 8 * 3_600,
    grantSeconds: 14 * 24 * 3_600,
    interactionSeconds: 10 * 60,
    codesMax: 8,
    codeTtlMs: 5 * 60_000,
    codeTriesMax: 10,
    /** Agents that stand in one another's `act` (RFC 8693 §4.1). */
    actorsMax: 4,
  },
  /** Break-glass (docs/break-glass.md). */
  breakGlass: {
    minutesMax: 240,
    minutesDefault: 60,
    /** The person's words; and how old their login may be when they open. */
    textCharsMin: 10,
    textCharsMax: 1_000,
    loginMaxAgeSeconds: 5 * 60,
    /** Cases of one person that are open at once, and how often they may try in an hour. */
    openPerPersonMax: 5,
    triesPerHour: 20,
    pageMax: 100,
    /** Banners of one answer. */
    bannersMax: 20,
  },
  /** Clocks of two parts may differ this far (design §9, P1); more is a fault at start. */
  clockSkewMaxMs: 1_000,
  sessionIdleMs: 30 * 60_000,
  /**
   * Answers that a 2025-era client may come back for with `Last-Event-ID`: requests of one session,
   * bytes of one session, of one tenant and of an instance, and for how long.
   */
  resumableRequestsPerSessionMax: 256,
  keptAnswerBytesPerSessionMax: 1024 * 1024,
  keptAnswerBytesPerTenantMax: 32 * 1024 * 1024,
  keptAnswerBytesMax: 64 * 1024 * 1024,
  keptAnswerMs: 2 * 60_000,
  searchQueryCharsMax: 256,
  searchTermsMax: 16,
  /** The same with the codes and display words that lay words stand for. */
  searchAlternativesMax: 64,
  /** One question to a schema registry, its answer, and the ids whose meaning is kept. */
  registryTimeoutMs: 5_000,
  registryAnswerBytesMax: 4 * 1024 * 1024,
  registrySchemasMax: 10_000,
} as const;
