# Random conversations through a gateway, of HTTP/1.1 and HTTP/2, with app servers that close, cut and stall at random:
# pipelining, uploads, slow readers, windows of all sizes, cancelled streams. Every request must end, with the whole
# right answer or with an error that its operation allows.
#
#     random-conversations.py SEED SECONDS PLAIN-PORT TLS-PORT APP-PORT...
#
# Prints how many requests came to what, then a line `FAULT ...` for each that ended wrongly or not at all.

import asyncio, collections, random, socket, ssl, sys, time, traceback, zlib
import h2.config, h2.connection, h2.events, h2.exceptions, h2.settings

SEED, SECONDS, PLAIN, SECURE, APPS = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5:]
# Seconds without a byte after which a conversation has no end.
PATIENCE = 60
dice = random.Random(SEED)
BLOCK = random.Random(1).randbytes(1 << 20)


def context(protocol):
    made = ssl.create_default_context()
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    made.set_alpn_protocols([protocol])
    return made

counts, faults = collections.Counter(), []

def pattern(size, key):
    start = key * 7919 % 65536
    return (BLOCK[start:] + BLOCK)[:size] if size <= len(BLOCK) else BLOCK[start:] + BLOCK * (size // len(BLOCK) + 1)

def summary(body):
    return "%d:%d" % (len(body), zlib.crc32(body))

# App servers. What a request's answer is to be stands in its path: /OPERATION/SIZE/KEY/NUMBER.

async def app(reader, writer):
    own = random.Random(dice.random())
    try:
        while True:
            line = await reader.readline()
            if not line:
                break
            operation, size, key, number = line.split(b" ")[1].decode().split("/")[1:5]
            size, key = int(size), int(key)
            fields = {}
            while (field := (await reader.readline()).strip()):
                name, value = field.split(b":", 1)
                fields[name.lower()] = value.strip()
            if operation == "die":
                break
            early = operation == "early"
            body = bytearray()
            async def receive(limit=1 << 40):
                if b"content-length" in fields:
                    left = int(fields[b"content-length"])
                    while left and len(body) < limit:
                        part = await reader.read(min(left, own.choice([100, 5000, 65536])))
                        if not part:
                            raise ConnectionError
                        body.extend(part)
                        left -= len(part)
                        if own.random() < 0.05:
                            await asyncio.sleep(own.random() * 0.02)
                elif b"transfer-encoding" in fields:
                    while (length := int(await reader.readline(), 16)):
                        body.extend(await reader.readexactly(length))
                        await reader.readexactly(2)
                    while (await reader.readline()).strip():
                        pass
            if not early:
                await receive(own.randrange(70000) if operation == "halfread" else 1 << 40)
            if operation == "halfread":
                break
            if own.random() < 0.1:
                await asyncio.sleep(own.random() * 0.05)
            if own.random() < 0.1:
                writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
            answer = pattern(size, key)
            head = b"HTTP/1.1 200 OK\r\nX-Got: %s\r\n" % (b"early" if early else summary(body).encode())
            framing = own.choice(["length", "length", "chunked", "close"])
            if line.startswith(b"HEAD"):
                writer.write(head + b"Content-Length: %d\r\n\r\n" % size)
                await writer.drain()
                continue
            cut = own.randrange(size + 1) if operation == "cut" else None
            if cut is not None and framing == "close":
                framing = "chunked"
            if framing == "length":
                writer.write(head + b"Content-Length: %d\r\n\r\n" % size)
            elif framing == "chunked":
                writer.write(head + b"Transfer-Encoding: chunked\r\n\r\n")
            else:
                writer.write(head + b"Connection: close\r\n\r\n")
            position, end = 0, size if cut is None else cut
            if cut == size and framing == "length":
                end = max(0, size - 1)
            while position < end:
                part = answer[position:min(end, position + own.choice([1, 100, 1460, 16384, 65536, 200000]))]
                writer.write(b"%x\r\n%s\r\n" % (len(part), part) if framing == "chunked" else part)
                position += len(part)
                await writer.drain()
                if own.random() < 0.02:
                    await asyncio.sleep(own.random() * 0.02)
            if cut is not None:
                if own.random() < 0.5:
                    writer.transport.abort()
                break
            if framing == "chunked":
                writer.write(b"0\r\n" + (b"X-Sum: 1\r\n" if own.random() < 0.5 else b"") + b"\r\n")
            await writer.drain()
            # Some close without a word, at once or when the next request may be on its way.
            if early or framing == "close" or own.random() < 0.05:
                break
            if own.random() < 0.2:
                await asyncio.sleep(own.random() * 0.01)
                break
    except (OSError, asyncio.IncompleteReadError, ValueError):
        pass
    writer.close()

# What is asked for, and what may come of it.

class Wanted:
    numbers = 0

    def __init__(self, own, protocol):
        Wanted.numbers += 1
        self.operation = own.choices(["echo", "cut", "die", "halfread", "early"], [90, 4, 2, 2, 2])[0]
        self.size = own.choice([0, 1, 100, 5000, 70000, own.randrange(400000)])
        if self.operation == "cut":
            self.size = max(1, self.size)
        self.key = own.randrange(1000)
        self.method = own.choices(["GET", "POST", "PUT", "HEAD"], [50, 25, 15, 10])[0]
        if self.operation in ("halfread", "early"):
            self.method = "POST"
        if self.method == "HEAD":
            self.operation = "echo"
        self.body = None
        if self.method in ("POST", "PUT"):
            self.body = pattern(own.choice([0, 1, 1000, 65536, 65537, own.randrange(300000)]), self.key + 1)
        self.chunked = own.random() < 0.4
        self.name = "%s %s /%s/%d/%d/%d up %s%s" % (
            protocol, self.method, self.operation, self.size, self.key, Wanted.numbers,
            None if self.body is None else len(self.body), " chunked" if self.chunked else "")
        self.path = "/%s/%d/%d/%d" % (self.operation, self.size, self.key, Wanted.numbers)

    def judge(self, outcome, status=None, got=None, body=b""):
        # outcome: whole, cut (the protocol said that the answer is not whole), timeout
        counts[self.operation, outcome, status] += 1
        fault = None
        if outcome == "timeout":
            fault = "no end"
        elif outcome == "cut":
            if self.operation == "echo":
                fault = "cut off"
        elif status == 200:
            if self.operation in ("die", "halfread") or self.operation == "cut":
                fault = "an answer out of nothing: %d of %d bytes" % (len(body), self.size)
            elif self.method != "HEAD" and body != pattern(self.size, self.key):
                fault = "another body: %d bytes" % len(body)
            elif got != ("early" if self.operation == "early" else summary(self.body or b"")):
                fault = "another body arrived: %s" % got
        elif status == 502:
            # A POST that met a server which closed an idle connection cannot be sent again.
            if self.operation == "echo" and (self.method in ("GET", "HEAD") or self.method == "PUT" and len(self.body) <= 65536):
                fault = "502"
        else:
            fault = "status %s" % status
        if fault:
            faults.append("%s: %s" % (self.name, fault))

async def connection(own, port, slow):
    raw = socket.socket()
    if slow:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, own.choice([4096, 20000]))
    raw.setblocking(False)
    await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", port))
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return raw

# HTTP/1.1, pipelined or not.

async def http1(own):
    slow, secure = own.random() < 0.3, own.random() < 0.4
    raw = await connection(own, SECURE if secure else PLAIN, slow)
    if secure:
        reader, writer = await asyncio.open_connection(
            sock=raw, ssl=context("http/1.1"), server_hostname="foobar.test", limit=own.choice([2048, 65536]))
    else:
        reader, writer = await asyncio.open_connection(sock=raw, limit=own.choice([2048, 65536]))
    pipelined = own.random() < 0.5
    requests = [Wanted(own, "h1") for _ in range(own.randrange(1, 12))]
    answered = asyncio.Semaphore(1 << 20 if pipelined else 1)

    async def send():
        try:
            for request in requests:
                await answered.acquire()
                head = "%s %s HTTP/1.1\r\nHost: foobar.test\r\n" % (request.method, request.path)
                body = request.body or b""
                if request.body is not None:
                    head += "Transfer-Encoding: chunked\r\n" if request.chunked else "Content-Length: %d\r\n" % len(body)
                data = (head + "\r\n").encode()
                if request.body is not None:
                    if request.chunked:
                        position = 0
                        while position < len(body):
                            part = body[position:position + own.choice([1, 1000, 16384, 100000])]
                            data += b"%x\r\n%s\r\n" % (len(part), part)
                            position += len(part)
                        data += b"0\r\n\r\n"
                    else:
                        data += body
                position = 0
                while position < len(data):
                    step = own.choice([1 << 20, 1 << 20, 65536, 5000, 100])
                    writer.write(data[position:position + step])
                    await writer.drain()
                    position += step
                    if own.random() < 0.05:
                        await asyncio.sleep(own.random() * 0.01)
        except OSError:
            pass

    sender = asyncio.create_task(send())
    index, outcome, status, got, body = 0, "cut", None, None, b""
    try:
        async with asyncio.timeout(PATIENCE):
            while index < len(requests):
                outcome, status, got, body = "cut", None, None, b""
                request = requests[index]
                status_line = await reader.readline()
                if not status_line:
                    break
                status = int(status_line.split(b" ")[1])
                fields = {}
                while (field := (await reader.readline()).strip()):
                    name, value = field.split(b":", 1)
                    fields[name.strip().lower()] = value.strip()
                if status < 200:
                    continue
                got = fields.get(b"x-got", b"").decode()
                async def part(count):
                    data = b""
                    while len(data) < count:
                        piece = await reader.read(min(count - len(data), own.choice([100, 3000]) if slow else 65536))
                        if not piece:
                            raise ConnectionError
                        data += piece
                        if slow and own.random() < 0.02:
                            await asyncio.sleep(own.random() * 0.03)
                    return data
                if request.method != "HEAD":
                    if b"content-length" in fields:
                        body = await part(int(fields[b"content-length"]))
                    elif b"transfer-encoding" in fields:
                        pieces = []
                        while (length := int(await reader.readline(), 16)):
                            pieces.append(await part(length))
                            await part(2)
                        body = b"".join(pieces)
                        while (await reader.readline()).strip():
                            pass
                    else:
                        raise ValueError("no framing")
                request.judge("whole", status, got, body)
                answered.release()
                index += 1
                outcome = None
                if fields.get(b"connection") == b"close":
                    break
    except TimeoutError:
        outcome = "timeout"
        requests[index].name += " [request %d of %s%s%s]" % (index, [r.path for r in requests], " pipelined" if pipelined else "", " slow" if slow else "")
        requests[index].judge("timeout", status)
    except (OSError, asyncio.IncompleteReadError, ValueError) as error:
        if index < len(requests):
            requests[index].name += " [%r; request %d of %s%s]" % (error, index, [r.path for r in requests], " pipelined" if pipelined else "")
            requests[index].judge("cut", status)
            index += 1
    else:
        if index < len(requests) and outcome == "cut":
            # Closed in place of an answer: right only behind one that closed, or if it is this one's fate.
            requests[index].judge("cut", None)
    sender.cancel()
    writer.transport.abort()

# HTTP/2, many streams, windows of all sizes.

async def http2(own):
    slow = own.random() < 0.3
    raw = await connection(own, SECURE, slow)
    reader, writer = await asyncio.open_connection(sock=raw, ssl=context("h2"), server_hostname="foobar.test")
    conn = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
    window = own.choice([1, 100, 5000, 65535, 65535, 1000000])
    conn.local_settings = h2.settings.Settings(client=True, initial_values={
        h2.settings.SettingCodes.ENABLE_PUSH: 0, h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: window})
    conn.initiate_connection()
    if own.random() < 0.5:
        conn.increment_flow_control_window(1 << 20)
    requests = [Wanted(own, "h2") for _ in range(own.randrange(1, 30))]
    if window < 1000:
        for request in requests:
            request.size = min(request.size, 30 * window)
            request.path = "/%s/%d/%d/%s" % (request.operation, request.size, request.key, request.path.split("/")[-1])
    waiting, live = list(requests), {}
    parallel = own.choice([1, 5, 100])
    ended = time.monotonic() + PATIENCE

    class Stream:
        def __init__(self, request):
            self.request, self.sent, self.status, self.got, self.body, self.ended = request, 0, None, None, [], False
            self.cancels = own.random() < 0.05

    def fill():
        while waiting and len(live) < parallel:
            request = waiting.pop()
            number = conn.get_next_available_stream_id()
            fields = [(":method", request.method), (":scheme", "https"), (":authority", "foobar.test"), (":path", request.path)]
            if request.body is not None and not request.chunked:
                fields.append(("content-length", str(len(request.body))))
            conn.send_headers(number, fields, end_stream=request.body is None)
            live[number] = Stream(request)
        for number, stream in list(live.items()):
            body = stream.request.body
            if body is None or stream.ended:
                continue
            try:
                while stream.sent < len(body):
                    room = min(conn.local_flow_control_window(number), conn.max_outbound_frame_size, len(body) - stream.sent)
                    if room <= 0:
                        break
                    conn.send_data(number, body[stream.sent:stream.sent + room])
                    stream.sent += room
                    if own.random() < 0.1:
                        break
                if stream.sent == len(body):
                    stream.ended = True
                    conn.end_stream(number)
            except (h2.exceptions.StreamClosedError, h2.exceptions.ProtocolError):
                stream.ended = True
            if stream.cancels and own.random() < 0.3 and number in live:
                try:
                    conn.reset_stream(number, 8)
                    counts[stream.request.operation, "cancelled", None] += 1
                    del live[number]
                except h2.exceptions.ProtocolError:
                    pass

    held = []
    def over(number, outcome):
        stream = live.pop(number, None)
        if stream:
            stream.request.judge(outcome, stream.status, stream.got, b"".join(stream.body))

    closed = False
    try:
        while (live or waiting) and time.monotonic() < ended:
            fill()
            writer.write(conn.data_to_send())
            await writer.drain()
            if held and own.random() < 0.7:
                for count, number in held:
                    try:
                        conn.acknowledge_received_data(count, number)
                    except h2.exceptions.StreamClosedError:
                        pass
                held.clear()
                writer.write(conn.data_to_send())
            if not live and not waiting:
                break
            try:
                data = await asyncio.wait_for(reader.read(own.choice([1000, 65536])), 0.05 if held else 0.3)
            except TimeoutError:
                continue
            if not data:
                closed = True
                break
            ended = time.monotonic() + PATIENCE
            if slow and own.random() < 0.1:
                await asyncio.sleep(own.random() * 0.02)
            for event in conn.receive_data(data):
                number = getattr(event, "stream_id", None)
                stream = live.get(number)
                if isinstance(event, h2.events.DataReceived):
                    held.append((event.flow_controlled_length, number))
                    if stream:
                        stream.body.append(event.data)
                elif isinstance(event, h2.events.ResponseReceived) and stream:
                    fields = dict(event.headers)
                    stream.status, stream.got = int(fields[":status"]), fields.get("x-got")
                elif isinstance(event, h2.events.StreamEnded):
                    over(number, "whole")
                elif isinstance(event, h2.events.StreamReset):
                    # 0: the answer was whole, and the rest of the request is not wanted.
                    if stream:
                        stream.request.name += " [reset %d]" % event.error_code
                    over(number, "whole" if event.error_code == 0 else "cut")
                elif isinstance(event, h2.events.ConnectionTerminated):
                    faults.append("h2 connection: goaway %d" % event.error_code)
    except h2.exceptions.ProtocolError as error:
        # The library takes no interim answer to a stream that it has cancelled, though one may be on its way.
        if "RECV_INFORMATIONAL_HEADERS" not in str(error):
            raise
        writer.transport.abort()
        return
    except (OSError, asyncio.IncompleteReadError) as error:
        closed = True
        faults.append("h2 connection: %r" % error)
    if closed and live:
        faults.append("h2 connection closed with %d streams" % len(live))
    for number in list(live):
        over(number, "cut" if closed else "timeout")
    writer.transport.abort()

async def worker(number):
    own = random.Random(SEED * 1000 + number)
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and len(faults) < 20:
        try:
            await (http1(own) if own.random() < 0.6 else http2(own))
        except Exception:
            faults.append("script: " + traceback.format_exc()[-600:])

async def main():
    servers = [await asyncio.start_server(app, "127.0.0.1", int(port), limit=1 << 20) for port in APPS]
    await asyncio.gather(*(worker(number) for number in range(24)))
    for key, count in sorted(counts.items(), key=str):
        print("%s %s %s: %d" % (*key, count))
    for fault in faults:
        print("FAULT", fault)
    for server in servers:
        server.close()

asyncio.run(main())
