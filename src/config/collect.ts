import { Wrong } from './parsers.ts';
import { flagOf, SETTING_NAMES, SETTINGS, type SettingName } from './settings.ts';

/** All that the process takes from outside itself. */
export interface ConfigInput {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Texts of flags, by setting; they win over the environment. */
  readonly args: Readonly<Partial<Record<SettingName, string>>>;
  readonly platform: NodeJS.Platform;
  readonly home: string;
  readonly cwd: string;
  /** Root of the checkout; `undefined` when run from the package. */
  readonly checkout: string | undefined;
  /** Reads the file that a `*_FILE` setting names. */
  readonly readFile: (path: string) => string;
}

export interface ConfigProblem {
  readonly setting: string;
  /** What is wrong and how to mend it; never the value, which may be a secret. */
  readonly mend: string;
}

export type Origin = 'argument' | 'environment' | 'file';

/** What each setting was parsed to; absent where nothing was given. */
export type Values = {
  -readonly [K in SettingName]?: ReturnType<(typeof SETTINGS)[K]['parse']>;
};

export interface Collected {
  readonly values: Values;
  readonly origins: Partial<Record<SettingName, Origin>>;
  readonly problems: readonly ConfigProblem[];
}

/** Parse and merge: arguments before the environment; an empty variable counts as left out. */
export function collect(input: ConfigInput): Collected {
  const values: Partial<Record<SettingName, unknown>> = {};
  const origins: Partial<Record<SettingName, Origin>> = {};
  const problems: ConfigProblem[] = [];
  for (const name of SETTING_NAMES) {
    const label = input.args[name] === undefined ? name : `--${flagOf(name)} (${name})`;
    try {
      const given = textOf(input, name);
      if (given === undefined) continue;
      values[name] = SETTINGS[name].parse(given.text);
      origins[name] = given.from;
    } catch (error) {
      if (!(error instanceof Wrong)) throw error;
      problems.push({ setting: label, mend: error.message });
    }
  }
  return { values: values as Values, origins, problems };
}

function textOf(
  { args, env, readFile }: ConfigInput,
  name: SettingName,
): { text: string; from: Origin } | undefined {
  const argument = args[name];
  if (argument !== undefined) {
    if (argument === '') throw new Wrong('must not be empty');
    return { text: argument, from: 'argument' };
  }
  const direct = env[name] ?? '';
  const file = 'secret' in SETTINGS[name] ? (env[`${name}_FILE`] ?? '') : '';
  if (direct !== '' && file !== '') throw new Wrong(`and ${name}_FILE are both set: keep one`);
  if (direct !== '') return { text: direct, from: 'environment' };
  return file === '' ? undefined : { text: secretIn(file, name, readFile), from: 'file' };
}

function secretIn(path: string, name: string, readFile: (path: string) => string): string {
  try {
    return readFile(path).trim();
  } catch {
    throw new Wrong(`cannot be read from the file that ${name}_FILE names`);
  }
}
