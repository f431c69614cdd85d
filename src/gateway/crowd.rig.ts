/** Clients in a process of their own: so many connections, each subscribed, until a parent ends it. */

import { WebSocket } from 'ws';

const [url = '', count = '0'] = process.argv.slice(2);
let subscribed = 0;
const one = (index: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/ws?token=m${index}`);
    socket.once('error', reject);
    socket.once('open', () => {
      socket.send('{"type":"subscribe","id":"s","topics":["twins","call-notifications"]}');
    });
    socket.on('message', (data) => {
      if (!String(data).startsWith('{"type":"subscribed"')) return;
      subscribed += 1;
      resolve();
    });
  });
const all = Array.from({ length: Number(count) }, (_, index) => index);
for (let from = 0; from < all.length; from += 100) {
  await Promise.all(all.slice(from, from + 100).map(one));
}
process.stdout.write(`${subscribed}\n`);
