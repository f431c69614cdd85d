import type { RelationChange, Relationship } from './log.ts';

/** Who asks, from a verified access token. */
export interface Principal {
  /** SpiceDB subject type of `subject`: a person, or an agent on its own. */
  readonly kind: 'user' | 'agent';
  readonly subject: string;
  /** The agent that acts for the person (RFC 8693 `act.sub`, outermost). */
  readonly actor?: string;
  /** Everybody in the `act` chain, outermost first; only the outermost decides. */
  readonly actors?: readonly string[];
  readonly tenant: string;
  readonly clientId: string;
  readonly scopes: ReadonlySet<string>;
  /** v3-PurposeOfUse code. */
  readonly purpose?: string;
  readonly issuer: string;
  readonly tokenId: string;
  readonly expiresAtMs: number;
  /** How and when the person logged in (OpenID Connect Core §2), where the issuer says so. */
  readonly acr?: string;
  readonly amr?: readonly string[];
  readonly authTimeMs?: number;
}

export interface ObjectRef {
  readonly type: string;
  readonly id: string;
}

export interface CheckItem {
  readonly permission: string;
  readonly object: ObjectRef;
}

export interface Decision {
  readonly allowed: boolean;
  /** ZedToken of the revision at which it was decided. */
  readonly revision: string;
}

/** What may have changed for whom: whoever holds something open checks it again. */
export type AccessChange =
  | { readonly kind: 'objects'; readonly objects: readonly ObjectRef[] }
  /** A relation that many members share (a team, an organization, trust in an agent). */
  | { readonly kind: 'everything' }
  /** A token was revoked. */
  | { readonly kind: 'token'; readonly tokenId: string }
  /** A client, or an agent, was suspended for a tenant's tokens. */
  | { readonly kind: 'client'; readonly tenant: string; readonly client: string };

export interface Access {
  /**
   * One decision an item, in order, by the newest revision that this instance has seen. An agent
   * that acts for a person needs both: the person may, and trusts it with this permission.
   * @throws Fault ACCESS_UNAVAILABLE when SpiceDB cannot answer in time. Nothing is allowed then.
   */
  check(principal: Principal, items: readonly CheckItem[]): Promise<Decision[]>;
  /**
   * The same where every answer is known and as good as one asked now; `undefined` where one would
   * have to be asked.
   */
  known(principal: Principal, items: readonly CheckItem[]): Decision[] | undefined;
  /** Ids of the objects on which the principal has the permission, in order. */
  lookup(principal: Principal, permission: string, type: string): Promise<string[]>;
  onChange(listener: (change: AccessChange) => void): () => void;
}

/** Writes relations: answers only when SpiceDB has committed them. */
export interface Relations {
  /** @throws Fault NOT_COMMITTED: "not revoked" / "not granted"; INVALID_ARGUMENT: not in the schema. */
  write(changes: readonly RelationChange[], actor: string): Promise<{ zedToken: string }>;
  list(filter: {
    readonly type: string;
    readonly id?: string;
    readonly relation?: string;
  }): Promise<Relationship[]>;
}
