export { Scheduler } from './scheduler.ts';
export * from './types.ts';
