import Bytes
import Engine
import HTTPWire
import Linux

/// Fields that answers gain on their way to the client: Date where it is missing, HSTS, and the set of
/// security headers, unless the app server has said its own word on them.
///
/// HSTS is a route's: an answer without one (a 404, 421 or redirect) binds no browser to a host that is not served.
internal struct AddedFields {
    private let security: [(name: [UInt8], value: [UInt8])]
    /// By route, empty where it sends none.
    private let hsts: [[UInt8]]

    init(_ plan: Plan) {
        security = plan.headers.security.map { (Array($0.name.utf8), Array($0.value.utf8)) }
        hsts = plan.routes.map { Array(($0.hsts ?? "").utf8) }
    }

    /// - Parameter route: its index; -1 for an answer of the gateway's own that has none.
    func add(to response: MessageHead, route: Int, worker: Worker, isSealed: Bool) {
        if !response.has(.date) { worker.date.add(to: response, worker: worker) }
        if isSealed && route >= 0 {
            let value = hsts[route]
            if !value.isEmpty && !response.has(.strictTransportSecurity) {
                response.add(.strictTransportSecurity, value.span)
            }
        }
        for field in security where !has(response, field.name) {
            response.add(field.name.span, field.value.span)
        }
    }

    private func has(_ response: MessageHead, _ name: [UInt8]) -> Bool {
        let text = response.bytes
        for field in response.fields where text.span(field.name).equals(name.span) { return true }
        return false
    }
}

/// The Date field's text, made once a second (RFC 9110 section 6.6.1).
internal struct DateCache {
    private let text = ByteBuffer(capacity: 32)
    private var madeAt: UInt64 = 0
    private var isMade = false

    mutating func add(to response: MessageHead, worker: Worker) {
        if !isMade || worker.loop.now >= madeAt + 1000 {
            let seconds = Clock.realtimeMicroseconds / 1_000_000
            text.clear()
            HTTPDate.append(unixSeconds: Int64(seconds), to: text)
            // Made anew when the wall clock's second turns, not a second from now.
            madeAt = worker.loop.now - (Clock.realtimeMicroseconds % 1_000_000) / 1000
            isMade = true
        }
        let cached = text
        response.add(.date, cached.readable)
    }
}

/// Names for requests: 128 bits in hexadecimal, of which nobody can guess the next.
internal struct RequestIdentifiers {
    /// Random words at hand, so that one system call serves many requests.
    private var words = InlineArray<32, UInt64>(repeating: 0)
    private var used = 32

    mutating func append(to text: ByteBuffer) {
        text.append(hex: next(), minimumDigits: 16)
        text.append(hex: next(), minimumDigits: 16)
    }

    private mutating func next() -> UInt64 {
        if used == words.count {
            var span = words.mutableSpan
            Random.fill(&span)
            used = 0
        }
        used += 1
        return words[used - 1]
    }
}
