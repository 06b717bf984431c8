import Foundation
import Testing

/// Chromium, without a window.
@Suite("A browser", .patient)
struct BrowserTests {
    /// Starts it with a home of its own, in which nobody is trusted but by `certutil`.
    private func chromium(_ arguments: [String], home: TemporaryDirectory, name: String) throws -> ChildProcess {
        try ChildProcess(
            "chromium",
            [
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--user-data-dir=\(home.path("data-\(name)"))",
            ] + arguments,
            in: home,
            name: name,
            environment: ["HOME": home.root]
        )
    }

    /// Has the browsers of this home trust an authority.
    private func trust(_ authority: String, home: TemporaryDirectory) throws {
        let database = home.path(".pki/nssdb")
        _ = try run("mkdir", ["-p", database], in: home)
        for arguments in [["-N", "--empty-password"], ["-A", "-n", "authority", "-t", "C,,", "-i", authority]] {
            let result = try run("certutil", arguments + ["-d", "sql:\(database)"], in: home)
            guard result.status == 0 else { throw HarnessError("certutil: \(result.error)") }
        }
    }

    @Test("shows the demonstration's page once its authority is trusted, and not before")
    func demonstration() throws {
        let directory = try TemporaryDirectory()
        let (secure, plain) = (try Ports.free(), try Ports.free())
        let demo = try ChildProcess(
            try Gateway.binary,
            [
                "demo", "--https-port", "\(secure)", "--http-port", "\(plain)", "--dir", directory.path("demo"),
            ],
            in: directory,
            name: "demo",
            environment: ["XDG_RUNTIME_DIR": directory.root]
        )
        try eventually("the demonstration is ready: \(demo.standardError)") {
            if demo.poll() != nil { throw HarnessError("the demonstration ended: \(demo.standardError)") }
            return demo.standardOutput.contains("Gatehouse is ready.")
        }
        func page(_ url: String, _ name: String) throws -> String {
            let browser = try chromium(
                ["--host-resolver-rules=MAP foobar.com 127.0.0.1", "--dump-dom", url],
                home: directory,
                name: name
            )
            try browser.wait(within: .seconds(180))
            return browser.standardOutput
        }
        let refused = try page("https://localhost:\(secure)/", "stranger")
        #expect(!refused.contains("An app server behind Gatehouse"), "\(refused)")

        try trust(directory.path("demo/ca.pem"), home: directory)
        for url in [
            "https://localhost:\(secure)/", "https://foobar.com:\(secure)/", "http://localhost:\(plain)/",
        ] {
            let shown = try page(url, "friend-\(url.utf8.count)")
            #expect(shown.contains("An app server behind Gatehouse"), "\(url): \(shown)")
        }
        demo.send(SIGTERM)
        #expect(try demo.wait() == 0)
    }

    /// What the page of `conversation` does once it is loaded, and says to `/result` at its end.
    private static let script = """
        <!doctype html><title>test</title><script>
        async function socket() {
            const socket = new WebSocket(`wss://${location.host}/ws`);
            socket.binaryType = 'arraybuffer';
            const next = () => new Promise((done, failed) => {
                socket.onmessage = event => done(event.data);
                socket.onerror = socket.onclose = () => failed('the WebSocket broke');
            });
            await new Promise((done, failed) => { socket.onopen = done; socket.onerror = failed; });
            socket.send('hello');
            if (await next() !== 'hello') return 'another text';
            const bytes = new Uint8Array(100000).map((_, index) => index * 31);
            socket.send(bytes);
            const echo = new Uint8Array(await next());
            return echo.length === bytes.length && echo.every((byte, index) => byte === bytes[index])
                ? 'echoed' : 'other bytes';
        }
        async function items() {
            const names = [...Array(40).keys()].map(number => `/item/${number}`);
            const texts = await Promise.all(names.map(name => fetch(name).then(answer => answer.text())));
            return texts.every((text, index) => text === names[index]) ? 'right' : 'mixed up';
        }
        async function upload() {
            return await (await fetch('/upload', { method: 'POST', body: 'x'.repeat(1000000) })).text();
        }
        (async () => {
            let result = {};
            try {
                result = {
                    items: await items(), upload: await upload(), socket: await socket(),
                    protocol: performance.getEntriesByType('navigation')[0].nextHopProtocol,
                };
            } catch (error) { result.error = String(error); }
            await fetch('/result', { method: 'POST', body: JSON.stringify(result) });
        })();
        </script>
        """

    @Test("loads, uploads and talks over a WebSocket, all on one HTTP/2 connection")
    func conversation() throws {
        let pages = try ScriptedServer { peer in
            while let request = try peer.request() {
                switch String(request.startLine.split(separator: " ")[1]) {
                case "/": try peer.answer(Self.script, fields: "Content-Type: text/html\r\n")
                case let path where path.hasPrefix("/item/"): try peer.answer(path)
                case "/upload": try peer.answer("\(request.body.count)")
                default: try peer.answer("")
                }
            }
        }
        let directory = try TemporaryDirectory()
        let certificate = try TestCertificate("foobar", names: ["foobar.test"], in: directory)
        let (port, echoPort) = (try Ports.free(), try Ports.free())
        let echo = try ChildProcess(
            try Gateway.binary,
            ["app", "--name", "echo", "--port", "\(echoPort)"],
            in: directory,
            name: "echo"
        )
        try eventually("the app server accepts: \(echo.standardError)") {
            (try? Socket.connect(to: echoPort)) != nil
        }
        var site = SiteFile(http: port, servers: [.init(pages)])
        site.listeners = [SiteFile.secure(port, [certificate])]
        site.certificates = [certificate]
        site.pools["sockets"] = .init(servers: [.init(port: echoPort)])
        site.routes.append("{ hosts: [foobar.test], path: /ws, pool: sockets }")
        let gateway = try Gateway(site, ports: [port], in: directory)

        try trust(certificate.certificatePath, home: directory)
        let browser = try chromium(
            [
                "--remote-debugging-port=0", "--host-resolver-rules=MAP foobar.test 127.0.0.1",
                "https://foobar.test:\(port)/",
            ],
            home: directory,
            name: "browser"
        )
        var result = ""
        try eventually("the page has told its result: \(gateway.process.standardOutput)", within: .seconds(180)) {
            if let status = browser.poll() { throw HarnessError("chromium ended with \(status)") }
            result = pages.requests.last { $0.startLine.contains(" /result ") }?.text ?? ""
            return !result.isEmpty
        }
        let facts = try JSONSerialization.jsonObject(with: Data(result.utf8)) as? [String: String]
        #expect(
            facts == ["items": "right", "upload": "1000000", "socket": "echoed", "protocol": "h2"],
            "\(facts ?? [:])"
        )
        let forwarded = pages.requests.first { $0.startLine.contains(" /upload ") }
        #expect(forwarded?["x-forwarded-proto"] == "https")
    }
}
