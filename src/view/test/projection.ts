/** Stands in for twin/project.ts in a worker: `?version=2` projects in another way. */

import { projectWith } from './records.ts';

export const PROJECTION_VERSION = Number(new URL(import.meta.url).searchParams.get('version'));
export const project = projectWith(PROJECTION_VERSION > 1);
