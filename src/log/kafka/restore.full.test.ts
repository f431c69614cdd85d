import { testRestoring } from './restore-suite.rig.ts';

testRestoring(40);
