/** Pusher's SDK for Java and Android, from Maven Central: a client for tests. */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { cached, type Say } from './cache.ts';
import { execute, need } from './programs.ts';

/** As in `pusher-java/pom.xml`. */
export const PUSHER_JAVA_VERSION = '2.4.4';

const PROGRAMS = [
  {
    program: 'javac',
    debian: 'openjdk-17-jdk-headless',
    otherwise: 'the Java SDK’s tests need a JDK of 17 or newer (Debian: openjdk-17-jdk-headless)',
  },
  { program: 'mvn', debian: 'maven', otherwise: 'Maven brings the SDK (Debian: maven)' },
];
const FOLDER = join(import.meta.dirname, 'pusher-java');
const POM = join(FOLDER, 'pom.xml');
const DRIVER = join(FOLDER, 'Driver.java');

/** Arguments of `java` that run the driver; its own follow. */
export async function bringPusherJava(say: Say): Promise<string[]> {
  await need(PROGRAMS, say);
  const jars = await cached(`pusher-java-${PUSHER_JAVA_VERSION}`, say, async (target) => {
    say(`bringing Pusher's Java SDK ${PUSHER_JAVA_VERSION} from Maven Central`);
    const copy = ['dependency:copy-dependencies', `-DoutputDirectory=${target}`];
    await execute('mvn', ['-q', '-B', '-f', POM, ...copy]);
  });
  const hash = createHash('sha256').update(readFileSync(DRIVER)).digest('hex').slice(0, 12);
  // Compiled once: a JVM that compiles its source takes seconds more, and there are several.
  const classes = await cached(`pusher-java-driver-${hash}`, say, async (target) => {
    await execute('javac', ['-d', target, '-cp', join(jars, '*'), DRIVER]);
  });
  const path = [classes, join(jars, '*')].join(delimiter);
  return ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx64m', '-cp', path, 'Driver'];
}
