import { MemoryResume } from './resume.ts';
import { resumeSuite } from './resume-suite.rig.ts';

resumeSuite('in one process', () => {
  let now = 0;
  const store = new MemoryResume({ now: () => now });
  return Promise.resolve({
    store,
    later: (ms) => {
      now += ms;
    },
  });
});
