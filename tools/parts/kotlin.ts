/** The Kotlin SDK, compiled and tested by Maven, whose jars and plugins stand outside the tree. */

import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cached, type Say } from './cache.ts';
import { execute, need } from './programs.ts';

const PROJECT = join(import.meta.dirname, '..', '..', 'sdk', 'kotlin');
const PROGRAMS = [
  {
    program: 'javac',
    debian: 'openjdk-17-jdk-headless',
    otherwise: 'the Kotlin SDK needs a JDK of 17 or newer (Debian: openjdk-17-jdk-headless)',
  },
  { program: 'mvn', debian: 'maven', otherwise: 'Maven builds the Kotlin SDK (Debian: maven)' },
];

/** Answers the folder of Maven's repository. Another `pom.xml` is another folder. */
export async function bringKotlin(say: Say): Promise<string> {
  await need(PROGRAMS, say);
  const pom = readFileSync(join(PROJECT, 'pom.xml'));
  const name = `kotlin-${createHash('sha256').update(pom).digest('hex').slice(0, 12)}`;
  return await cached(name, say, async (repository) => {
    say('bringing the Kotlin compiler and its libraries from Maven Central');
    // Whatever a run asks for is there after a run, and no list of it has to be right.
    await maven(repository, ['-Dtest=FramesTest', 'test'], {});
  });
}

/** Runs all of its tests, offline. @throws with the last lines of what they said */
export async function testKotlin(say: Say, env: Readonly<Record<string, string>>): Promise<string> {
  const repository = await bringKotlin(say);
  return await maven(repository, ['-o', 'test'], env);
}

async function maven(
  repository: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<string> {
  const target = mkdtempSync(join(tmpdir(), 'twin-kotlin-'));
  try {
    const folders = [`-Dmaven.repo.local=${repository}`, `-Dtarget=${target}`];
    const common = ['-B', '-f', join(PROJECT, 'pom.xml'), ...folders];
    return await execute('mvn', [...common, ...args], { env: { ...process.env, ...env } });
  } finally {
    rmSync(target, { recursive: true, force: true });
  }
}
