/// Python that speaks HTTP/2 soundly, by Debian's h2, for what curl and nghttp cannot be made to do.
enum HTTP2Scripts {
    /// A client whose flow control and pace the script decides.
    static let client = """
        import socket, ssl, sys, time
        import h2.config, h2.connection, h2.errors, h2.events, h2.settings

        PORT = int(sys.argv[1])

        class Answer:
            def __init__(self):
                self.status, self.fields, self.body, self.trailers = None, {}, b"", []
                # `end`, `reset CODE` or `closed` once it is over.
                self.outcome = None
                self.informational = []

        class Client:
            def __init__(self, window=None, patience=60, takes=True):
                # takes: credit for what came is given back at once.
                self.takes = takes
                self.answers, self.goaway, self.closed, self.pings = {}, None, False, 0
                self.held = {}
                context = ssl.create_default_context()
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                context.set_alpn_protocols(["h2"])
                self.socket = context.wrap_socket(
                    socket.create_connection(("127.0.0.1", PORT), patience), server_hostname="foobar.test")
                self.socket.settimeout(patience)
                self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
                if window is not None:
                    self.h2.local_settings = h2.settings.Settings(client=True, initial_values={
                        h2.settings.SettingCodes.ENABLE_PUSH: 0,
                        h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: window})
                self.h2.initiate_connection()
                self.flush()

            def flush(self):
                data = self.h2.data_to_send()
                if data:
                    try:
                        self.socket.sendall(data)
                    except OSError:
                        self.closed = True

            def request(self, method="GET", path="/", end=True, fields=[]):
                stream = self.h2.get_next_available_stream_id()
                self.answers[stream] = Answer()
                self.h2.send_headers(stream, [
                    (":method", method), (":scheme", "https"), (":authority", "foobar.test"), (":path", path)] + fields,
                    end_stream=end)
                self.flush()
                return stream

            def send(self, stream, data, end=False):
                self.h2.send_data(stream, data, end_stream=end)
                self.flush()

            def take(self, stream):
                count = self.held.pop(stream, 0)
                if count:
                    self.h2.acknowledge_received_data(count, stream)
                    self.flush()

            def read(self, seconds=None):
                # Reads once; False when nothing came in time or the connection is closed.
                self.flush()
                if self.closed:
                    return False
                if seconds is not None:
                    self.socket.settimeout(seconds)
                try:
                    data = self.socket.recv(65536)
                except (socket.timeout, TimeoutError, ssl.SSLWantReadError):
                    return False
                except OSError:
                    data = b""
                if not data:
                    self.closed = True
                    for answer in self.answers.values():
                        answer.outcome = answer.outcome or "closed"
                    return False
                for event in self.h2.receive_data(data):
                    self.handle(event)
                self.flush()
                return True

            def handle(self, event):
                answer = self.answers.get(getattr(event, "stream_id", None))
                if isinstance(event, h2.events.InformationalResponseReceived):
                    answer.informational.append(dict(event.headers)[":status"])
                elif isinstance(event, h2.events.ResponseReceived):
                    answer.fields = dict(event.headers)
                    answer.status = answer.fields[":status"]
                elif isinstance(event, h2.events.TrailersReceived):
                    answer.trailers = list(event.headers)
                elif isinstance(event, h2.events.DataReceived):
                    answer.body += event.data
                    if self.takes:
                        self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                    else:
                        self.held[event.stream_id] = self.held.get(event.stream_id, 0) + event.flow_controlled_length
                elif isinstance(event, h2.events.StreamEnded):
                    answer.outcome = answer.outcome or "end"
                elif isinstance(event, h2.events.StreamReset):
                    answer.outcome = answer.outcome or "reset %d" % event.error_code
                elif isinstance(event, h2.events.ConnectionTerminated):
                    self.goaway = int(event.error_code)
                elif isinstance(event, h2.events.PingAckReceived):
                    self.pings += 1

            def finish(self, stream, seconds=60):
                # The answer, once it is over or the time is.
                end = time.monotonic() + seconds
                answer = self.answers[stream]
                while answer.outcome is None and not self.closed and time.monotonic() < end:
                    self.read(max(0.01, end - time.monotonic()))
                return answer

            def until_closed(self, seconds=60):
                end = time.monotonic() + seconds
                while not self.closed and time.monotonic() < end:
                    self.read(max(0.01, end - time.monotonic()))
                return self.closed

        """
}
