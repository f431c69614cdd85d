import { existsSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { serveWorker } from '../kernel/worker.ts';
import { etagOf, sourceDocument } from '../twin/etag.ts';
import * as twin from '../twin/project.ts';
import type { Project } from '../twin/projection.ts';
import type { ViewMethods, ViewWorkerData } from './life.ts';
import type { Projector } from './projector.ts';
import { SCHEMA_VERSION } from './schema.ts';
import { restoreNewest } from './snapshots/restore.ts';
import { openViewWriter, type ViewWriter, viewPath } from './writer.ts';

const { dataDir, snapshotDir, etagKey, projection, commits } = workerData as ViewWorkerData;
let writer: ViewWriter | undefined;

function view(): ViewWriter {
  if (writer === undefined) throw new Error('the view is not open');
  return writer;
}

async function loadProjector(): Promise<Projector> {
  const { project, PROJECTION_VERSION } =
    projection === undefined
      ? twin
      : ((await import(projection)) as { project: Project; PROJECTION_VERSION: number });
  return { version: PROJECTION_VERSION, etagKey, project, etagOf, sourceDocument };
}

/** Whether it was written or not: a COMMIT that reported a fault may still have been made. */
function counted<T>(write: () => T): T {
  try {
    return write();
  } finally {
    Atomics.add(commits, 0, 1);
  }
}

/** Everything that writes the view's file, one call after the other. */
const methods: ViewMethods = {
  async open(log) {
    const projector = await loadProjector();
    const standing = { ...log, projection: projector.version, schema: SCHEMA_VERSION, etagKey };
    const path = viewPath(dataDir);
    const { refused } =
      existsSync(path) || log.damaged === true
        ? { refused: [] }
        : await restoreNewest(snapshotDir, path, standing);
    writer = openViewWriter(dataDir, projector, log);
    const { places, rebuilding } = writer;
    return { places, rebuilding, refused, projection: projector.version };
  },
  apply: ({ batches, at }) => counted(() => view().apply(batches, at)),
  confirm: ({ ends, at }) => counted(() => view().confirm(ends, at)),
  finish: ({ at }) => counted(() => view().finish(at)),
  purge: () => counted(() => view().purge()),
  close() {
    writer?.close();
    writer = undefined;
  },
};

serveWorker(methods);
