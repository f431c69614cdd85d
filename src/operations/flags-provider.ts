import {
  FlagNotFoundError,
  OpenFeatureEventEmitter,
  type Provider,
  ProviderEvents,
  type ResolutionDetails,
  StandardResolutionReasons,
} from '@openfeature/server-sdk';
import type { FlagsFile } from './flags-file.ts';
import { isFlagName } from './flags-table.ts';

/** An OpenFeature provider over the flags' file. All of our flags are words. */
export class FileProvider implements Provider {
  readonly metadata = { name: 'file' };
  readonly runsOn = 'server';
  readonly events = new OpenFeatureEventEmitter();
  readonly #file: FlagsFile;

  constructor(file: FlagsFile) {
    this.#file = file;
    file.onChange((changed) => {
      this.events.emit(ProviderEvents.ConfigurationChanged, { flagsChanged: [...changed] });
    });
  }

  resolveStringEvaluation(name: string, otherwise: string): Promise<ResolutionDetails<string>> {
    if (!isFlagName(name)) return notThere();
    const value = this.#file.values[name];
    return Promise.resolve(
      value === undefined
        ? { value: otherwise, reason: StandardResolutionReasons.DEFAULT }
        : { value, reason: StandardResolutionReasons.STATIC },
    );
  }

  resolveBooleanEvaluation(): Promise<ResolutionDetails<boolean>> {
    return notThere();
  }

  resolveNumberEvaluation(): Promise<ResolutionDetails<number>> {
    return notThere();
  }

  resolveObjectEvaluation<T>(): Promise<ResolutionDetails<T>> {
    return notThere();
  }
}

function notThere(): Promise<never> {
  return Promise.reject(new FlagNotFoundError());
}
