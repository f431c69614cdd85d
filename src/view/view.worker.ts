import { workerData } from 'node:worker_threads';
import { serveWorker } from '../kernel/worker.ts';
import { etagOf, sourceDocument } from '../twin/etag.ts';
import * as twin from '../twin/project.ts';
import type { Project } from '../twin/projection.ts';
import type { ViewMethods, ViewWorkerData } from './embedded.ts';
import type { Projector } from './projector.ts';
import { openViewWriter, type ViewWriter } from './writer.ts';

const { dataDir, etagKey, projection } = workerData as ViewWorkerData;
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

/** Everything that writes the view's file, one call after the other. */
const methods: ViewMethods = {
  async open(log) {
    writer = openViewWriter(dataDir, await loadProjector(), log);
    const { places, rebuilding } = writer;
    return { places, rebuilding };
  },
  apply: ({ batch, at }) => view().apply(batch, at),
  finish: ({ at }) => view().finish(at),
  close() {
    writer?.close();
    writer = undefined;
  },
};

serveWorker(methods);
