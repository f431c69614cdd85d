/** The client of a twin server, for browser and Node: no `node:` imports here or below. */

export type {
  Change,
  ChangesPage,
  ChatInput,
  ChatResult,
  Document,
  ReadDocumentInput,
  ReadDocumentResult,
  SearchInput,
  SearchResult,
} from '../contract/documents.ts';
export type { ChangesOptions } from './changes.ts';
export { createTwinClient, type TwinClient, type TwinClientOptions } from './client.ts';
export { asTwinError } from './errors.ts';
export { createFetch, type Fetch, type TokenSource } from './http.ts';
export {
  connectRealtime,
  type EventData,
  type EventType,
  type Realtime,
  type RealtimeEvent,
  type RealtimeOptions,
  type RealtimeState,
  type Subscription,
} from './realtime/index.ts';
export { errorOfResponse, TwinError, type TwinErrorCode } from './twin-error.ts';
export type * from './types.ts';
export type { Watched, WatchOptions, WatchState } from './watch.ts';
