/** One of several processes of the gateway on one port, which says how it stands when asked. */

import { gatewayRig } from '../../src/gateway/gateway.rig.ts';

const rig = await gatewayRig({ port: Number(process.argv[2]), reusePort: true });
process.on('message', () => {
  rig.audited.length = 0;
  const { connections, hub } = rig.gateway;
  process.send?.({ connections, subscriptions: hub.subscriptions, rss: process.memoryUsage.rss() });
});
process.send?.('ready');
