import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Benefit, Dependent, Person, Rejection, StatedDate } from '../model.ts';
import { benefitOf, groupsOf } from '../x12/benefit.ts';
import { tokenize } from '../x12/tokenize.ts';
import { statedDate } from '../x12/values.ts';

/** Who asks about whom, in whichever shape it came. */
export interface Asked {
  readonly payer: string;
  readonly npi: string;
  readonly providerName: string;
  readonly subscriber: Person & { readonly ssn?: string };
  readonly dependent?: Dependent;
  readonly serviceTypes: readonly string[];
}

/** What a payer has to say: benefits, or why not. */
export interface Told {
  readonly payerName: string;
  readonly memberId?: string;
  readonly group: readonly [number: string, name: string];
  readonly planName?: string;
  readonly dates: readonly StatedDate[];
  readonly benefits: readonly Benefit[];
  readonly rejections: readonly Rejection[];
}

const person = z.strictObject({
  firstName: z.string().optional(),
  lastName: z.string().optional(),
  dateOfBirth: z.string().optional(),
  memberId: z.string().optional(),
  ssn: z.string().optional(),
  relationship: z.string().optional(),
});
const refused = z.strictObject({
  code: z.string(),
  followUp: z.string(),
  loop: z.enum(['payer', 'provider', 'subscriber', 'dependent']),
});
const plan = z.strictObject({
  dates: z.array(z.string()),
  group: z.tuple([z.string(), z.string()]),
  name: z.string(),
  benefits: z.array(z.string()),
});
const file = z.strictObject({
  about: z.string(),
  payers: z.record(z.string(), z.string()),
  plans: z.record(z.string(), plan),
  people: z.array(
    z.strictObject({
      case: z.string(),
      payer: z.string(),
      subscriber: person,
      dependent: person.optional(),
      plan: z.string().optional(),
      refused: refused.optional(),
      toldMemberId: z.string().optional(),
    }),
  ),
});
type Script = z.infer<typeof file>;

const PATH = fileURLToPath(
  new URL('../../../resources/eligibility/simulator.json', import.meta.url),
);

/** All whom the simulator knows, read once. */
export class Known {
  readonly script: Script;
  readonly #plans = new Map<string, Pick<Told, 'dates' | 'benefits'>>();

  constructor() {
    this.script = file.parse(JSON.parse(readFileSync(PATH, 'utf8')));
  }

  payerName(id: string): string | undefined {
    return Object.hasOwn(this.script.payers, id) ? this.script.payers[id] : undefined;
  }

  /** Exact values are required, as in the clearinghouse's test mode. */
  tell(asked: Asked): Told {
    const payerName = this.payerName(asked.payer);
    // "Payer is not configured."
    if (payerName === undefined) return refusal(asked.payer, '79', 'P', 'payer');
    const found = this.script.people.find((one) => isOf(one, asked));
    if (found?.refused !== undefined) {
      const { code, followUp, loop } = found.refused;
      return refusal(payerName, code, followUp, loop);
    }
    const plan = found?.plan ?? generated(asked);
    if (plan === undefined) return refusal(payerName, '75', 'C', 'subscriber');
    const { name, group } = this.#script(plan);
    const memberId = found?.toldMemberId;
    return {
      ...{ payerName, group, planName: name, rejections: [] },
      ...this.#said(plan),
      ...(memberId !== undefined && { memberId }),
    };
  }

  #script(name: string) {
    const plan = this.script.plans[name];
    if (plan === undefined) throw new Error(`the simulator has no plan ${name}`);
    return plan;
  }

  #said(name: string): Pick<Told, 'dates' | 'benefits'> {
    const said = this.#plans.get(name);
    if (said !== undefined) return said;
    const { dates, benefits } = this.#script(name);
    const lines = benefits.flatMap((line) => line.split('|'));
    const { segments, ...marks } = tokenize(`${ISA}${lines.map((line) => `${line}~`).join('')}`);
    const made = {
      dates: dates.flatMap((line) => statedDate(line.split('*')[0], line.split('*')[2]) ?? []),
      benefits: groupsOf(segments).flatMap((group) => benefitOf(group, marks, []) ?? []),
    };
    this.#plans.set(name, made);
    return made;
  }
}

const ISA =
  'ISA*00*          *00*          *ZZ*STEDI          *ZZ*RECEIVER       *260101*0000*^*00501*000000001*0*T*:~';

function refusal(payerName: string, code: string, followUp: string, loop: Rejection['loop']): Told {
  const rejections = [{ code, followUp, loop, path: '' }];
  return { payerName, group: ['', ''], dates: [], benefits: [], rejections };
}

const IDS = ['memberId', 'firstName', 'lastName', 'dateOfBirth', 'ssn'] as const;
type Ids = { readonly [K in (typeof IDS)[number]]?: string | undefined };

function isOf(one: Script['people'][number], { payer, subscriber, dependent }: Asked): boolean {
  const same = (a: Ids, b: Ids | undefined) => IDS.every((key) => fold(a[key]) === fold(b?.[key]));
  return (
    one.payer === payer &&
    (one.dependent === undefined) === (dependent === undefined) &&
    (same(subscriber, one.subscriber) || sameButBorn(subscriber, one)) &&
    (dependent === undefined || same(dependent, one.dependent))
  );
}

/** A dependent's subscriber need not have a birth date, and may have one. */
function sameButBorn(
  subscriber: Person,
  { dependent, subscriber: known }: Script['people'][number],
) {
  return dependent !== undefined && fold(subscriber.memberId) === fold(known.memberId);
}

function fold(text: string | undefined): string | undefined {
  return text?.trim().toUpperCase();
}

/** For loads: `SIM…` of a SIM payer is somebody with a plan, `SIMX…` nobody. */
function generated({ payer, subscriber: { memberId = '' } }: Asked): string | undefined {
  const number = /^SIM(\d{1,9})$/.exec(memberId)?.[1];
  if (!payer.startsWith('SIM') || number === undefined) return undefined;
  return GENERATED[Number(number) % GENERATED.length];
}

/** One in eight has lost the plan. */
const GENERATED = ['ppo', 'hmo', 'exchange', 'ppo', 'hmo', 'dental', 'ppo', 'ended'];
