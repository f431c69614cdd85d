import table from './service-types.json' with { type: 'json' };

const SERVICES: Readonly<Record<string, string>> = table.words;
const PROTECTED: ReadonlySet<string> = new Set(table.protected);

/** In our own words; a code that has none is told as it is. */
export function serviceText(code: string): string {
  return (Object.hasOwn(SERVICES, code) ? SERVICES[code] : undefined) ?? `Service type ${code}`;
}

/** Whether having asked for it, or having used it, tells what only some may know. */
export function isProtectedService(code: string): boolean {
  return PROTECTED.has(code);
}

/** EB02. */
export const UNITS: Readonly<Record<string, string>> = {
  CHD: 'Children',
  DEP: 'Dependents',
  ECH: 'Employee and children',
  EMP: 'Employee',
  ESP: 'Employee and spouse',
  FAM: 'Family',
  IND: 'Individual',
  SPC: 'Spouse and children',
  SPO: 'Spouse',
};

/** EB12, of the benefit: whether this provider is in the network a 271 cannot say. */
export const NETWORKS: Readonly<Record<string, string>> = {
  Y: 'In network',
  N: 'Out of network',
  W: 'In and out of network',
};

/** EB06, where it says for how long or how often. */
export const TERMS: Readonly<Record<string, string>> = {
  '6': 'Each hour',
  '7': 'Each day',
  '13': 'In 24 hours',
  '21': 'Annual',
  '22': 'Service year',
  '23': 'Annual',
  '24': 'Annual',
  '25': 'Contract',
  '26': 'Each episode',
  '27': 'Each visit',
  '29': 'Annual',
  '32': 'Lifetime',
  '33': 'Lifetime',
  '34': 'Each month',
  '35': 'Each week',
  '36': 'Each admission',
};

/** EB09 of limits. */
export const COUNTED: Readonly<Record<string, string>> = {
  CA: 'Covered',
  DY: 'Days',
  HS: 'Hours',
  LA: 'Lifetime reserve days',
  LE: 'Lifetime reserve days',
  M2: 'Maximum',
  MN: 'Months',
  P6: 'Services',
  S7: 'Highest age',
  S8: 'Lowest age',
  VS: 'Visits',
  YY: 'Years',
};
