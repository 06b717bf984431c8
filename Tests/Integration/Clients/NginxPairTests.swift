import Testing

/// Two nginx app servers behind the gateway, asked by curl, wrk and nghttp.
@Suite("Two nginx app servers", .patient)
struct NginxPairTests {
    private func pair() throws -> SecureGateway {
        let page = [UInt8](repeating: 65, count: 30_000)
        let first = try NginxServer("first", files: ["page": page])
        let second = try NginxServer("second", files: ["page": page])
        return try SecureGateway(
            [.init(first, weight: 2), .init(second)],
            names: [["foobar.test", "localhost"]],
            routes: ["{ hosts: [foobar.test, localhost], pool: web }"],
            tls: "unknown-name: default"
        )
    }

    @Test("curl finds them two to one, over either protocol", arguments: ["--http1.1", "--http2"])
    func curl(version: String) throws {
        let front = try pair()
        // One connection, thirty requests: a request and not a connection is what is shared out.
        let urls = (0..<30).map { "https://foobar.test:\(front.secure)/?\($0)" }
        let result = try run(
            "curl",
            ["--silent", "--show-error", "--insecure", version, "--resolve", "foobar.test:\(front.secure):127.0.0.1"]
                + urls,
            in: front.directory
        )
        let names = result.output.split(separator: "\n")
        #expect(names.count { $0 == "first" } == 20 && names.count { $0 == "second" } == 10, "\(names) \(result.error)")
    }

    @Test("wrk gets whole answers of both, on kept and on new connections", arguments: ["keep-alive", "close"])
    func wrk(connection: String) throws {
        let front = try pair()
        try front.directory.write(
            """
            local threads = {}
            function setup(thread) table.insert(threads, thread) end
            function init() first, second, wrong = 0, 0, 0 end
            function response(status, headers, body)
                local name = headers["x-served-by"]
                if status ~= 200 or #body ~= 30000 then wrong = wrong + 1
                elseif name == "first" then first = first + 1
                elseif name == "second" then second = second + 1
                else wrong = wrong + 1 end
            end
            function done(summary)
                local sums = { first = 0, second = 0, wrong = 0 }
                for _, thread in ipairs(threads) do
                    for name in pairs(sums) do sums[name] = sums[name] + thread:get(name) end
                end
                io.write(string.format("sums %d %d %d\\n", sums.first, sums.second, sums.wrong))
            end
            """,
            to: "tally.lua"
        )
        let result = try run(
            "wrk",
            [
                "-t2", "-c16", "-d2s", "-s", front.directory.path("tally.lua"), "-H", "Connection: \(connection)",
                "https://localhost:\(front.secure)/files/page",
            ],
            in: front.directory
        )
        let sums = result.output.split(separator: "\n").first { $0.hasPrefix("sums ") }
        let figures = try #require(sums).split(separator: " ").compactMap { Int($0) }
        try #require(figures.count == 3, "\(result.output)")
        #expect(figures[2] == 0 && !result.output.contains("Socket errors"), "\(result.output)")
        // Requests cut off at wrk's end are in nobody's sum.
        #expect(abs(figures[0] - 2 * figures[1]) <= 100, "\(figures)")
        #expect(figures[1] > 10, "\(figures)")
    }

    @Test("nghttp gets many files of both on one connection")
    func nghttp() throws {
        let front = try pair()
        let base = "https://127.0.0.1:\(front.secure)/files/page"
        let result = try run(
            "nghttp",
            ["--no-verify-peer", "--null-out", "--stat", "--header", ":authority: foobar.test"]
                + (0..<12).map { "\(base)?\($0)" },
            in: front.directory
        )
        let lines = result.output.split(separator: "\n").filter { $0.contains("/files/page?") }
        #expect(lines.count == 12 && lines.allSatisfy { $0.contains(" 200 ") }, "\(result.output)\(result.error)")
    }
}
