import Foundation
import Testing

/// The field that tells app servers the subject of a client's certificate: nobody but the gateway fills it, whatever
/// listener a request comes by.
@Suite("The subject of a client's certificate", .patient)
struct ClientSubjectTests {
    private static let forged =
        "X-Client-Subject: CN=admin\r\nx-client-subject: CN=admin\r\nX-Badge: CN=admin\r\nX-Sum: 1\r\n"

    private static let post =
        "POST / HTTP/1.1\r\nHost: foobar.test\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\(forged)\r\n"
        + "3\r\nabc\r\n0\r\n\(forged)\r\n"

    /// The value of neither name may come through, in the head or behind the body; what stands beside it does.
    private func expectUnforged(_ request: Message, _ path: String) {
        for name in ["x-client-subject", "x-badge"] {
            #expect(request.values(name) == [], "\(path): \(name) is forged")
            #expect(!request.trailers.contains { $0.name.lowercased() == name }, "\(path): a trailer is forged")
        }
        #expect(request["x-sum"] == "1", "\(path)")
        #expect(request.trailers.map(\.name) == ["x-sum"], "\(path)")
    }

    @Test("cannot be forged by way of a listener that asks for no certificate, over HTTP/1.1, TLS or HTTP/2")
    func otherListeners() throws {
        let app = try ScriptedServer.named("app")
        let directory = try TemporaryDirectory()
        let certificate = try TestCertificate("foobar", names: ["foobar.test"], in: directory)
        let (plain, open, asking, badge) = (
            try Ports.free(), try Ports.free(), try Ports.free(), try Ports.free()
        )
        let clients = "client-certificates: { ca: \(certificate.certificatePath), mode: request"
        var site = SiteFile(http: plain, servers: [.init(app)])
        site.certificates = [certificate]
        site.listeners += [
            SiteFile.secure(open, [certificate]), SiteFile.secure(asking, [certificate], clients + " }"),
            SiteFile.secure(badge, [certificate], clients + ", header: X-Badge }"),
        ]
        let gateway = try Gateway(site, ports: [plain, open, asking, badge], in: directory)
        #expect(try gateway.connect().exchange(Self.post).status == 200)
        expectUnforged(try #require(app.requests.last), "plain")
        for port in [open, asking, badge] {
            let before = app.requests.count
            _ = try TLSSession(port: port, ["-quiet"], request: Self.post, in: directory)
            #expect(app.requests.count == before + 1)
            expectUnforged(try #require(app.requests.last), "TLS \(port)")
            let result = try python(
                HTTP2Scripts.client + """
                    client = Client()
                    forged = [("x-client-subject", "CN=admin"), ("x-badge", "CN=admin"), ("x-sum", "1")]
                    stream = client.request("POST", "/", end=False, fields=forged)
                    client.h2.send_data(stream, b"abc")
                    client.h2.send_headers(stream, forged, end_stream=True)
                    print(client.finish(stream).status)
                    """,
                ["\(port)"],
                in: directory
            )
            #expect(result.output == "200\n", "\(result.error)")
            #expect(app.requests.count == before + 2)
            expectUnforged(try #require(app.requests.last), "HTTP/2 \(port)")
        }
    }

    @Test("is not taken from a name that app servers read alike, where underscores are kept; nor are other claims")
    func underscores() throws {
        let app = try ScriptedServer.named("app")
        let forged =
            "X_Client_Subject: CN=admin\r\nx-client_subject: CN=admin\r\nX_Forwarded_For: 10.0.0.1\r\n"
            + "X_Real_IP: 10.0.0.1\r\nX_Request_Id: 1\r\nX_Forwarded_Prefix: /a\r\nX_Own: 1\r\n"
        _ = try Gateway(app, gateway: ["headers: { underscores: keep }"]).get(fields: forged)
        let request = try #require(app.requests.first)
        let names = request.fields.map { $0.name.lowercased() }.filter { $0.contains("_") }
        #expect(names == ["x_own"])
    }

    @Test("is the fingerprint of a certificate that has none, which no client can send itself")
    func empty() throws {
        let app = try ScriptedServer.named("app")
        let directory = try TemporaryDirectory()
        let authority = try ClientAuthority("authority", in: directory)
        let client = try authority.client("nobody", subject: "/")
        let front = try SecureGateway(
            [.init(app)],
            tls: "client-certificates: { ca: \(authority.certificatePath), mode: request }",
            in: directory
        )
        let shown = try run(
            "openssl",
            ["x509", "-in", client.certificatePath, "-noout", "-fingerprint", "-sha256"],
            in: directory
        )
        let known = shown.output.split(separator: "=").last?.replacing(":", with: "").lowercased() ?? ""
        let value = "sha256:" + known.trimmingCharacters(in: .whitespacesAndNewlines)
        let request =
            "GET / HTTP/1.1\r\nHost: foobar.test\r\nConnection: close\r\nX-Client-Subject: \(value)\r\n"
            + "X_Client_Subject: CN=admin\r\n\r\n"
        _ = try TLSSession(port: front.secure, client.options, request: request, in: directory)
        _ = try TLSSession(port: front.secure, request: request, in: directory)
        #expect(app.requests.map { $0.values("x-client-subject") } == [[value], []])
        #expect(value.utf8.count == 71)
    }

    @Test("is dropped under its usual name where no listener asks for certificates")
    func noListener() throws {
        let app = try ScriptedServer.named("app")
        _ = try Gateway(app).get(fields: "X-Client-Subject: CN=admin\r\nX-Badge: mine\r\n")
        let request = try #require(app.requests.first)
        #expect(request.values("x-client-subject") == [])
        #expect(request["x-badge"] == "mine")
    }
}
