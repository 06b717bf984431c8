import Bytes

/// What a request target asks for.
internal enum Endpoint: Equatable {
    /// `/`: a page that names the server.
    case page
    /// `/healthz`: that it lives.
    case health
    /// `/echo`: the request as JSON.
    case echo
    /// `/upload`: how many bytes came, and their SHA-256.
    case upload
    /// `/bytes/N`: so many bytes.
    case bytes(UInt64)
    /// `/status/N`: an answer with this status.
    case status(Int)
    /// `/slow?ms=N`: an answer after a while.
    case slow(milliseconds: UInt64)
    /// `/drip?n=N&ms=N`: so many lines, one at a time.
    case drip(lines: UInt64, milliseconds: UInt64)
    /// `/ws`: a WebSocket that gives back what it gets.
    case webSocket
    case unknown
    /// The path is known, its number is not usable.
    case wrong(Fault)

    /// What is asked of a number, for the answer that refuses another one.
    enum Fault: Equatable {
        case bytes, status, milliseconds, lines

        var explanation: StaticString {
            switch self {
            case .bytes: "/bytes/N wants a whole number of bytes, 0 to 9223372036854775807"
            case .status: "/status/N wants a status from 200 to 599"
            case .milliseconds: "ms is a number of milliseconds, 0 to 60000"
            case .lines: "n is a number of lines, 0 to 100000"
            }
        }
    }

    static let longestPause: UInt64 = 60_000
    static let mostLines: UInt64 = 100_000

    /// - Parameter target: in origin form: a path, and perhaps a query.
    init(_ target: Span<UInt8>) {
        let end = target.firstIndex(of: UInt8(ascii: "?")) ?? target.count
        let path = target.extracting(0..<end)
        let query = Query(target.extracting(min(end + 1, target.count)..<target.count))
        switch path.count {
        case 1 where path.equals("/"): self = .page
        case 3 where path.equals("/ws"): self = .webSocket
        case 5 where path.equals("/echo"): self = .echo
        case 5 where path.equals("/slow"):
            let pause = query.number("ms", default: 1000, atMost: Self.longestPause)
            self = pause.map { .slow(milliseconds: $0) } ?? .wrong(.milliseconds)
        case 5 where path.equals("/drip"):
            guard let lines = query.number("n", default: 10, atMost: Self.mostLines) else {
                self = .wrong(.lines)
                return
            }
            let pause = query.number("ms", default: 100, atMost: Self.longestPause)
            self = pause.map { .drip(lines: lines, milliseconds: $0) } ?? .wrong(.milliseconds)
        case 7 where path.equals("/upload"): self = .upload
        case 8 where path.equals("/healthz"): self = .health
        default: self = Self.numbered(path)
        }
    }

    private static func numbered(_ path: Span<UInt8>) -> Endpoint {
        if path.count >= 7 && path.extracting(first: 7).equals("/bytes/") {
            let count = Decimal.read(path.extracting(7..<path.count), atMost: UInt64(Int64.max))
            return count.map { .bytes($0) } ?? .wrong(.bytes)
        }
        if path.count >= 8 && path.extracting(first: 8).equals("/status/") {
            guard let status = Decimal.read(path.extracting(8..<path.count), atMost: 599), status >= 200 else {
                return .wrong(.status)
            }
            return .status(Int(status))
        }
        return .unknown
    }
}
