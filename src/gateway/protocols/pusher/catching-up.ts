import type { StreamPlace, Unrecovered } from '../../../contract/frames.ts';
import { principalKey } from '../../../twin/principals.ts';
import type { GatewayEvent, Started, StreamEntry, StreamName } from '../../ports.ts';
import type { Track } from './acks.ts';
import type { PusherApp } from './apps.ts';
import type { NamedEvent } from './events.ts';
import type { Grant } from './grants.ts';
import type { PusherParts } from './parts.ts';
import { type Missed, type Suppressed, suppressedOf } from './replay.ts';
import { type Places, type ResumeKeys, resumeKeys } from './resume.ts';
import { trackedStreams } from './streams.ts';

/** What an app's own server signed for its own channel, instead of a grant. */
export interface OwnResume {
  readonly session?: string;
  readonly since?: StreamPlace;
}

export interface CatchingUpOf {
  readonly app: Pick<PusherApp, 'id'>;
  readonly channel: string;
  readonly remoteAddress: string;
  readonly grant?: Grant | undefined;
  readonly resume?: OwnResume | undefined;
}

/** What a client should hear of how its channel goes on. */
export interface Begun {
  /** A stream that cannot be told whole: the client should read again. */
  readonly gaps: readonly Unrecovered[];
  readonly leftOut: ReadonlyMap<Suppressed, readonly GatewayEvent[]>;
}

type Parts = Pick<PusherParts, 'log' | 'resume' | 'secret' | 'clock' | 'report'>;

/** From where a channel of a device goes on, and what of the missed is still told. */
export class CatchingUp implements Track {
  readonly #parts: Parts;
  readonly #streams: readonly StreamName[];
  readonly #keys: ResumeKeys | undefined;
  readonly #said: StreamPlace | undefined;
  #places: Places = {};
  #leftOut: ReadonlySet<GatewayEvent> = NONE;
  #open = false;

  constructor(parts: Parts, of: CatchingUpOf) {
    this.#parts = parts;
    this.#streams = trackedStreams(of.app, of.channel);
    this.#keys = keysOf(parts.secret, of);
    this.#said = of.grant?.since ?? of.resume?.since;
  }

  /** By stream, from where it goes on: what its app says, then what was acknowledged; else now. */
  async since(): Promise<Map<StreamName, StreamPlace>> {
    const { resume, log } = this.#parts;
    const since = new Map<StreamName, StreamPlace>();
    const kept = this.#keys && (await resume.load(this.#keys));
    for (const stream of this.#streams) {
      const place = kept?.[stream];
      if (place !== undefined) since.set(stream, place);
    }
    const said = this.#said;
    if (said === undefined) return since;
    const tops = await log.tops(this.#streams);
    const own = this.#streams.filter((_stream, index) => tops[index]?.epoch === said.epoch);
    // An epoch that no stream has any more: the log then says that there is a gap.
    for (const stream of own.length > 0 ? own : this.#streams.slice(0, 1)) since.set(stream, said);
    return since;
  }

  /** How the streams begin; `named` as the channel would tell an event, if at all. */
  begin(
    started: readonly Started[],
    since: ReadonlyMap<StreamName, StreamPlace>,
    named: (event: GatewayEvent) => NamedEvent | undefined,
  ): Begun {
    const gaps: Unrecovered[] = [];
    const missed: Missed[] = [];
    this.#open = true;
    for (const { stream, start } of started) {
      if (start === 'denied' || !this.#streams.includes(stream)) continue;
      const from = since.get(stream);
      const offset = start.recovered ? (from ?? start).offset : start.offset;
      this.#places = { ...this.#places, [stream]: { epoch: start.epoch, offset } };
      if (from === undefined) continue;
      if (!start.recovered) gaps.push(start.reason);
      else missed.push(...start.entries.flatMap((entry) => missedOf(stream, entry, named)));
    }
    this.#save();
    return { gaps, leftOut: this.#suppress(missed) };
  }

  /** Of what is told after `begin`: whether this one means nothing any more. */
  isLeftOut(event: GatewayEvent): boolean {
    return this.#leftOut.has(event);
  }

  acknowledged(places: ReadonlyMap<string, StreamPlace>): void {
    this.#places = { ...this.#places, ...Object.fromEntries(places) };
    this.#save();
  }

  /** Something was lost in between; from here on it goes on. */
  lost(stream: StreamName, place: StreamPlace): void {
    if (!this.#streams.includes(stream)) return;
    this.#places = { ...this.#places, [stream]: { epoch: place.epoch, offset: place.offset } };
    this.#save();
  }

  /** Said now and then of a quiet one, so that who comes back after a crash is found. */
  refresh(): void {
    this.#save();
  }

  /** @param forget the client does not want what comes from here on */
  close(forget: boolean): void {
    if (!this.#open) return;
    this.#open = false;
    if (forget) this.#places = {};
    this.#save();
  }

  #suppress(missed: readonly Missed[]): Begun['leftOut'] {
    const suppressed = suppressedOf(missed, this.#parts.clock.now());
    const leftOut = new Map<Suppressed, GatewayEvent[]>();
    for (const [{ entry }, why] of suppressed) {
      leftOut.set(why, [...(leftOut.get(why) ?? []), entry.event]);
    }
    if (suppressed.size > 0) this.#leftOut = new Set([...leftOut.values()].flat());
    return leftOut;
  }

  #save(): void {
    if (this.#keys === undefined) return;
    const { resume, report } = this.#parts;
    resume.save(this.#keys, this.#places, this.#open).catch(report);
  }
}

const NONE: ReadonlySet<GatewayEvent> = new Set();

function missedOf(
  stream: StreamName,
  entry: StreamEntry,
  nameOf: (event: GatewayEvent) => NamedEvent | undefined,
): Missed[] {
  const named = nameOf(entry.event);
  return named === undefined ? [] : [{ stream, entry, named }];
}

/** Who nobody knows again has no place: what they missed cannot be told. */
function keysOf(secret: Uint8Array, of: CatchingUpOf): ResumeKeys | undefined {
  const { app, channel, grant, resume, remoteAddress } = of;
  const session = grant?.session ?? resume?.session;
  if (session === undefined) return undefined;
  const who = grant === undefined ? '' : principalKey(grant.principal);
  const near = grant === undefined ? session : remoteAddress;
  return resumeKeys(secret, { channel: [app.id, channel, who], session, near });
}
