// The app as it is: nothing here knows that the server is not Pusher.
const at = (id) => document.getElementById(id);
const line = (list, text) => {
  const item = document.createElement('li');
  item.textContent = text;
  at(list).append(item);
};
const post = (path) => fetch(path, { method: 'POST' });

const SCREENS = {
  call_accepted: (call) => `A clinician took call ${call}.`,
  appointment_ready: (call) => `Call ${call}: the room is ready.`,
  join_call: (call) => `Call ${call} rings: join now.`,
  paid_extend_call_request: (call) => `Call ${call}: ten more minutes?`,
  call_ended: (call) => `Call ${call} is over.`,
};

async function start() {
  const { pusher: where, token } = await (await fetch('/settings')).json();
  const pusher = new Pusher(where.appKey, {
    cluster: '',
    wsHost: where.host,
    wsPort: where.port,
    forceTLS: false,
    enabledTransports: ['ws'],
    channelAuthorization: {
      endpoint: where.authURL,
      transport: 'ajax',
      headers: { authorization: `Bearer ${token}` },
    },
  });
  pusher.connection.bind('state_change', ({ current }) => {
    at('state').textContent = current;
    at('state').dataset.state = current;
  });
  const channel = pusher.subscribe(where.presenceChannelName);
  channel.bind('pusher:subscription_succeeded', () => {
    at('state').dataset.subscribed = 'yes';
  });
  for (const [event, says] of Object.entries(SCREENS)) {
    channel.bind(event, ({ callId }) => {
      line('log', `${event} of call ${callId}`);
      at('screen').textContent = says(callId);
      at('screen').className = event === 'join_call' ? 'rings' : '';
      if (event === 'join_call') at('rings').textContent = Number(at('rings').textContent) + 1;
    });
  }
}

let call = 1;
at('next').addEventListener('click', () => {
  call += 1;
  at('call').textContent = call;
});
for (const button of document.querySelectorAll('[data-event]')) {
  button.addEventListener('click', async () => {
    const { event } = button.dataset;
    const answer = await post(`/clinic/${event}?call=${call}`);
    line('said', `${event} of call ${call}${answer.ok ? '' : ': refused'}`);
  });
}
at('drop').addEventListener('click', () => post('/network/drop'));
at('restore').addEventListener('click', () => post('/network/restore'));
start().catch((error) => {
  at('state').textContent = String(error);
});
