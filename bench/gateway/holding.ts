/** One of several processes of clients: so many connections that stay, each with a subscription. */

import { crowd } from './crowd.ts';

const [port, from = 0, size = 0] = process.argv.slice(2).map(Number);
let closed = 0;
let isEnding = false;
const all = await crowd({
  size,
  url: (index) => `ws://127.0.0.1:${port}/v1/ws?token=m${from + index}`,
  first: () => '{"type":"subscribe","id":"s","topics":["twins"]}',
  onMessage: () => undefined,
  onClose() {
    if (!isEnding) closed += 1;
  },
});
process.on('message', () => {
  isEnding = true;
  process.send?.({ closed });
  all.close();
  process.disconnect();
});
process.send?.({ connectedMs: all.connectedMs });
