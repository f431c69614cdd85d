import type { z } from 'zod';
import type { JsonObject } from '../../../kernel/json.ts';
import type { RecordSet } from '../records.ts';
import { practitionerProfile, practitionerProfileSchema } from './profile.ts';
import { practitionerSchedule, practitionerScheduleSchema } from './schedule.ts';

/** One projected document of a practitioner; `panel` is derived at read time. */
export interface PractitionerDocument {
  readonly section: 'profile' | 'schedule';
  readonly title: string;
  readonly schema: z.ZodType;
  /** Pure: the records of one practitioner, to its data. Never throws. */
  readonly data: (set: RecordSet) => JsonObject;
}

export const PRACTITIONER_DOCUMENTS: readonly PractitionerDocument[] = [
  {
    section: 'profile',
    title: 'Practitioner',
    schema: practitionerProfileSchema,
    data: practitionerProfile,
  },
  {
    section: 'schedule',
    title: 'Schedule',
    schema: practitionerScheduleSchema,
    data: practitionerSchedule,
  },
];
