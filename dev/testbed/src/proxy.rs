//! A wire between a client and a server that a test can cut.

use std::io;
use std::net::Ipv4Addr;
use std::sync::mpsc;
use std::thread::JoinHandle;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, oneshot};

/// Passes bytes on to another port of loopback. It has a thread of its own.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    cut: broadcast::Sender<()>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Starts to listen.
    ///
    /// # Errors
    /// There is no free port.
    pub fn start(target: u16) -> io::Result<Self> {
        let (stop, stopped) = oneshot::channel();
        let (ready, started) = mpsc::channel();
        let (cut, _) = broadcast::channel(1);
        let cuts = cut.clone();
        let thread = std::thread::spawn(move || serve(target, &cuts, stopped, &ready));
        let port = started.recv().map_err(io::Error::other)??;
        Ok(Self { port, cut, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Closes all connections that are open, and takes new ones; returns how many there were.
    pub fn cut(&self) -> usize {
        self.cut.send(()).unwrap_or_default()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(
    target: u16,
    cuts: &broadcast::Sender<()>,
    stopped: oneshot::Receiver<()>,
    ready: &mpsc::Sender<io::Result<u16>>,
) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return drop(ready.send(Err(error))),
    };
    runtime.block_on(async {
        let bound = async {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            let port = listener.local_addr()?.port();
            Ok((listener, port))
        };
        let listener = match bound.await {
            Ok((listener, port)) => {
                drop(ready.send(Ok(port)));
                listener
            }
            Err(error) => return drop(ready.send(Err(error))),
        };
        // The connections end with the runtime.
        let accept = async {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, target, cuts.subscribe()));
            }
        };
        tokio::select! {
            () = accept => {}
            _ = stopped => {}
        }
    });
}

async fn pass(mut client: TcpStream, target: u16, mut cut: broadcast::Receiver<()>) {
    let Ok(mut server) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)).await else { return };
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
        _ = cut.recv() => {}
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};

    #[tokio::test]
    async fn a_cut_ends_connections_and_takes_new_ones() {
        let server = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let proxy = super::Proxy::start(server.local_addr().unwrap().port()).unwrap();
        for _ in 0..2 {
            let mut client = TcpStream::connect(("127.0.0.1", proxy.port())).await.unwrap();
            let (mut accepted, _) = server.accept().await.unwrap();
            client.write_all(b"x").await.unwrap();
            assert_eq!(accepted.read_u8().await.unwrap(), b'x');
            assert_eq!(proxy.cut(), 1);
            assert_eq!(client.read(&mut [0; 1]).await.unwrap_or(0), 0);
        }
    }
}
