import { create } from '@bufbuild/protobuf';
import {
  NotificationRequestedEventSchema,
  NotificationUrgency,
} from '../../contract/events/sessions/v1/notification_pb.js';
import type { NotificationRequest } from '../../twin/ports.ts';
import { headerOf, timestampOf } from './parts.ts';
import { ownIds, type SchemaIds } from './schema-ids.ts';
import { type OutMessage, outMessage } from './wire.ts';

const URGENCY = {
  low: NotificationUrgency.LOW,
  normal: NotificationUrgency.NORMAL,
  high: NotificationUrgency.HIGH,
} as const;

/** The key is the member, as with everything about one. */
export function encodeNotification(
  { id, tenant, member, at, expiresAt, urgency, actor, ...asked }: NotificationRequest,
  ids: SchemaIds = ownIds,
): OutMessage {
  const type = 'sessions.notification.requested';
  const message = create(NotificationRequestedEventSchema, {
    header: headerOf({ id, type, tenant, time: at, member }),
    provenance: { source: 'digital-twin', actor, recorded: timestampOf(at) },
    ...{ ...asked, member, urgency: URGENCY[urgency], expiresAt: timestampOf(expiresAt) },
  });
  return outMessage(NotificationRequestedEventSchema, member, message, ids);
}
