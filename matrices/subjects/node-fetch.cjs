// fetch() from a server in this very process: Node's own WebAssembly (undici's llhttp), as any program meets it.
const http = require('node:http');

// What the other failures of the same WebAssembly come to in a program that goes on.
if (process.env.SURVIVE !== undefined) process.on('unhandledRejection', (error) => console.trace(error));

const server = http.createServer((_request, response) => response.end('hello'));
server.listen(0, '127.0.0.1', async () => {
  const url = `http://127.0.0.1:${server.address().port}/`;
  try {
    const response = await fetch(url);
    console.log(`fetched ${response.status} ${await response.text()}`);
    server.close();
  } catch (error) {
    // The reason is the cause: `fetch failed` says nothing.
    console.error(error);
    // A program that has other things to do goes on: SURVIVE tells which of the two this is.
    if (process.env.SURVIVE === undefined) process.exit(1);
    console.log('goes on without fetch');
    server.close();
  }
});
