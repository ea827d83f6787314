// Passes HTTP on to a server, with a credential that the client in front of it can't send:
//
//     BEARER=sessile_key_… node bearer_proxy.mjs http://127.0.0.1:7400
//
// It prints where it listens. All else passes unchanged, Host and Origin included, and as it comes: streams are
// streams on both sides, and who hangs up has hung up on the server too.

import http from 'node:http';

const target = new URL(process.argv[2]);
const authorization = `Bearer ${process.env.BEARER}`;
// What concerns one connection is each connection's own.
const ofOneConnection = ['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'upgrade'];

function passedOn(headers) {
  const kept = Object.entries(headers).filter(([name]) => !ofOneConnection.includes(name));
  return Object.fromEntries(kept);
}

const server = http.createServer((request, response) => {
  const { method, url: path } = request;
  const headers = { ...passedOn(request.headers), authorization };
  const { hostname, port } = target;
  const further = http.request({ hostname, port, method, path, headers, setHost: false });
  further.on('response', (answer) => {
    response.writeHead(answer.statusCode, answer.statusMessage, passedOn(answer.headers));
    response.flushHeaders();
    answer.pipe(response);
    answer.on('error', () => response.destroy());
  });
  further.on('error', () => (response.headersSent ? response.destroy() : response.writeHead(502).end()));
  response.on('close', () => further.destroy());
  request.pipe(further);
});
server.requestTimeout = 0;
server.listen(0, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${server.address().port}`));
