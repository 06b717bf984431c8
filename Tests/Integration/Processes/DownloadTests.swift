import Foundation
import Testing

/// Downloads that are under way when a data plane is asked to end: the last bytes wait in the kernel when the gateway is
/// through with them, and a connection that is closed too soon takes them along.
@Suite("Downloads at the end of a data plane", .patient)
struct DownloadTests {
    @Test("slow ones come whole over an upgrade and over a stop, by HTTP/1.1 and HTTP/2", arguments: [true, false])
    func slow(isUpgrade: Bool) throws {
        let size = 20_000_000
        let app = try NginxServer("app", files: ["large": [UInt8](repeating: 97, count: size)])
        let front = try SecureGateway([.init(app)], gateway: ["drain: 10m"])
        func taken(_ version: String) -> Int {
            let path = front.directory.path("large-\(version)")
            return (try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? Int ?? 0
        }
        let versions = ["1.1", "2"]
        let clients = try versions.map { version in
            try ChildProcess(
                "curl",
                [
                    "--silent", "--insecure", "--http\(version)", "--limit-rate", "6M", "--max-time", "300",
                    "--resolve", "foobar.test:\(front.secure):127.0.0.1",
                    "--output", front.directory.path("large-\(version)"),
                    "--write-out", "%{http_version} %{http_code} %{size_download} %{errormsg}",
                    "https://foobar.test:\(front.secure)/files/large",
                ],
                in: front.directory,
                name: "curl-\(version)"
            )
        }
        try eventually("both are under way") { versions.allSatisfy { taken($0) > 0 } }
        if isUpgrade {
            let answer = try front.gateway.command("upgrade")
            #expect(answer.status == 0, "\(answer.error)")
        } else {
            front.gateway.stop()
        }
        for (version, client) in zip(versions, clients) {
            #expect(try client.wait(within: .seconds(300)) == 0)
            #expect(client.standardOutput == "\(version) 200 \(size) ")
        }
        if !isUpgrade { #expect(try front.gateway.process.wait() == 0) }
    }

    @Test("`client-fin` does not cut off a client that is slower, as long as it takes what is on its way")
    func slowerThanClientFin() throws {
        let app = try NginxServer("app", files: ["large": [UInt8](repeating: 97, count: 6_000_000)])
        let front = try SecureGateway([.init(app)], gateway: ["timeouts: { client-fin: 1s }", "drain: 10m"])
        try front.directory.write(
            FrameScripts.prelude + """
                import time

                connection = Connection(struct.pack(">HI", 4, 1 << 30))
                connection.tls.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32768)
                connection.send(frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1 << 30)))
                connection.request([f for f in GET if f[0] != ":path"] + [(":path", "/files/large")])
                got, ended = 0, False
                while True:
                    part = connection.receive()
                    if part is None:
                        break
                    kind, flags, stream, payload = part
                    if kind == PING and not flags & 1:
                        connection.send(frame(PING, 1, 0, payload))
                    if kind == DATA and payload:
                        if got == 0:
                            print("begun", flush=True)
                        got += len(payload)
                        time.sleep(len(payload) / 1.6e6)
                        connection.send(frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", len(payload))))
                    ended = ended or kind == DATA and flags & 1 == 1
                print(got, ended)
                """,
            to: "slow.py"
        )
        let client = try ChildProcess(
            "/usr/bin/python3",
            [front.directory.path("slow.py"), "\(front.secure)"],
            in: front.directory,
            name: "slow"
        )
        try eventually("it is under way: \(client.standardError)") { client.standardOutput == "begun\n" }
        front.gateway.stop()
        #expect(try client.wait() == 0, "\(client.standardError)")
        #expect(client.standardOutput == "begun\n6000000 True\n")
        #expect(try front.gateway.process.wait() == 0)
    }
}
