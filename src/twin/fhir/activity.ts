import type { JsonObject } from '../../kernel/json.ts';
import { objectOf, objectsOf, stringOf } from './elements.ts';

const APP_ACTIVITY = 'app-activity';

/**
 * What somebody did in an app (looked at a page, opened a message): an Observation with the code
 * `app-activity`, of whatever system, in a `category` or in `meta.tag`. It is kept to predict what
 * they will need, and is in no section, so no person and no agent ever reads it. What a device
 * measured (steps, blood pressure) is no app activity and is read like every observation.
 */
export function isAppActivity(resource: JsonObject): boolean {
  if (resource.resourceType !== 'Observation') return false;
  const codings = [
    ...objectsOf(resource.category).flatMap(({ coding }) => objectsOf(coding)),
    ...objectsOf(objectOf(resource.meta).tag),
  ];
  return codings.some(({ code }) => stringOf(code)?.toLowerCase() === APP_ACTIVITY);
}
