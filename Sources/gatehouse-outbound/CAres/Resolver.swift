import CAres
import Linux
import Outbound

/// Questions to name servers, over c-ares: no threads, no files, no search domains; the caller waits for its
/// sockets. Belongs to one thread.
///
/// A name is asked for as it stands, once for A and once for AAAA, so that a name server which fails at one of
/// them does not spoil the other. What an answer must be to be believed (its id, the question in it, the server
/// it came from) is c-ares' part, and so is TCP for an answer that was truncated.
@safe
final class Resolver {
    /// How long a name server may take before the next one is asked, in milliseconds.
    private static let patience: Int32 = 2_000
    /// How often each is asked.
    private static let tries: Int32 = 2

    // Sound: made in init, destroyed in deinit, used on one thread.
    private let channel: OpaquePointer

    /// Call it before the sandbox stands: c-ares 1.18 reads /dev/urandom once, for the ids of its questions.
    init() throws(ResolverError) {
        try ResolverError.check(ares_library_init(ARES_LIB_INIT_ALL), "ares_library_init")
        var options = unsafe ares_options()
        unsafe options.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES
        unsafe options.timeout = Self.patience
        unsafe options.tries = Self.tries
        let mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES
        var made: OpaquePointer?
        try ResolverError.check(unsafe ares_init_options(&made, &options, mask), "ares_init_options")
        guard let made = unsafe made else { throw ResolverError(call: "ares_init_options", status: cares_no_memory) }
        unsafe channel = made
    }

    deinit { unsafe ares_destroy(channel) }

    /// Asks these servers from now on; open questions end with `cancelled`.
    ///
    /// - Parameter list: each as `ADDRESS:PORT` or `[ADDRESS]:PORT`.
    func setServers(_ list: [String]) throws(ResolverError) {
        // c-ares changes no servers while a question is open.
        unsafe ares_cancel(channel)
        try ResolverError.check(
            unsafe ares_set_servers_ports_csv(channel, list.joined(separator: ",")),
            "ares_set_servers_ports_csv"
        )
    }

    /// Asks for addresses. Calls `done` once, from within this call or a later one to `process` or `setServers`.
    func ask(_ name: String, _ kind: RecordKind, _ done: @escaping (NameAnswer.Records) -> Void) {
        unsafe query(name, kind.rawValue) { status, bytes, count in
            done(unsafe Answer.records(kind, status, bytes, count))
        }
    }

    /// Asks who may certify a name (CAA, RFC 8659), and calls `done` likewise.
    func askRestrictions(_ name: String, _ done: @escaping (RestrictionAnswer) -> Void) {
        unsafe query(name, 257) { status, bytes, count in
            done(unsafe Answer.restrictions(status, bytes, count))
        }
    }

    /// - Parameter type: the number of the kind of records.
    private func query(
        _ name: String,
        _ type: Int32,
        _ done: @escaping (Int32, UnsafeMutablePointer<UInt8>?, Int32) -> Void
    ) {
        // Sound: retained here and released by the callback, which c-ares calls exactly once.
        let question = unsafe Unmanaged.passRetained(Question(done)).toOpaque()
        unsafe ares_query(
            channel,
            name,
            1,
            type,
            { argument, status, _, bytes, count in
                guard let argument = unsafe argument else { return }
                let question = unsafe Unmanaged<Question>.fromOpaque(argument).takeRetainedValue()
                unsafe question.done(status, bytes, count)
            },
            question
        )
    }

    /// What to wait for.
    var interests: [Readiness.Interest] {
        // ARES_GETSOCK_MAXNUM: more than the UDP and TCP sockets of as many servers as are used.
        var sockets = [ares_socket_t](repeating: -1, count: 16)
        let bits = unsafe ares_getsock(channel, &sockets, Int32(sockets.count))
        return sockets.enumerated().compactMap { index, socket in
            let reads = bits & (1 << index) != 0
            let writes = bits & (1 << (index + 16)) != 0
            return reads || writes ? Readiness.Interest(socket, reads: reads, writes: writes) : nil
        }
    }

    /// How long to wait at most, in milliseconds; -1 when nothing is open.
    var pause: Int32 {
        var room = timeval()
        guard let due = unsafe ares_timeout(channel, nil, &room) else { return -1 }
        // Rounded up, so that it does not wake a little too early again and again.
        return unsafe Int32(clamping: due.pointee.tv_sec * 1000 + (due.pointee.tv_usec + 999) / 1000)
    }

    /// Goes on with what `ready` says, and with what has taken too long.
    func process(_ ready: [Readiness.Interest]) {
        unsafe ares_process_fd(channel, -1, -1)
        for entry in ready {
            unsafe ares_process_fd(channel, entry.reads ? entry.raw : -1, entry.writes ? entry.raw : -1)
        }
    }
}

/// The kinds of addresses that are asked for, by their numbers (RFC 1035, RFC 3596).
enum RecordKind: Int32 {
    case a = 1
    case aaaa = 28
}

@safe
private final class Question {
    // Sound: called with what c-ares gives its callback, within that.
    let done: (Int32, UnsafeMutablePointer<UInt8>?, Int32) -> Void

    init(_ done: @escaping (Int32, UnsafeMutablePointer<UInt8>?, Int32) -> Void) {
        unsafe self.done = done
    }
}

/// c-ares could not be made to do something.
struct ResolverError: Error, CustomStringConvertible {
    let call: String
    let status: Int32

    // Sound: the texts are static.
    var description: String { "\(call): \(unsafe String(cString: ares_strerror(status)))" }

    static func check(_ status: Int32, _ call: String) throws(ResolverError) {
        guard status == cares_success else { throw ResolverError(call: call, status: status) }
    }
}
