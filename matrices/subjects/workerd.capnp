using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    # In place of the default network, which needs certificates: there are none in a guest.
    (name = "internet", network = (allow = ["private"]))
  ],
  sockets = [(name = "http", address = "127.0.0.1:8080", http = (), service = "main")]
);

const main :Workerd.Worker = (
  serviceWorkerScript = "addEventListener('fetch', (e) => { for (let i = 0; i < 2; i++) new WebAssembly.Memory({initial: 1, maximum: 65536}); e.respondWith(new Response('up\\n')); });",
  compatibilityDate = "2024-01-01"
);
