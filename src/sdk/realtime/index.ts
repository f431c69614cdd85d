/** Realtime events for browser and Node: nothing but this folder's own code, docs/sdk.md. */

export type { Document } from '../../contract/documents.ts';
export type { Fetch, TokenSource } from '../http.ts';
export { TwinError, type TwinErrorCode } from '../twin-error.ts';
export { connectRealtime } from './client.ts';
export type { EventData, EventType, JsonOf, RealtimeEvent } from './events.ts';
export type * from './types.ts';
