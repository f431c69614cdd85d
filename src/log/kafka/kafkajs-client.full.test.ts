import { clientSuite } from './client-suite-all.rig.ts';

clientSuite('kafkajs');
