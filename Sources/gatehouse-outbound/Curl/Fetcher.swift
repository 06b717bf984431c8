import CCurl
import Glibc
import Outbound

/// HTTPS requests over libcurl: one at a time, no redirects, no names looked up, no file read; authorities come as bytes.
/// Belongs to one thread, which it blocks.
@safe
final class Fetcher {
    /// The longest answer that is taken, in bytes: a chain of RSA-4096 certificates takes 10 KiB.
    private static let longestBody = 48 << 10
    private static let longestHead = 16 << 10
    /// Seconds for a connection.
    private static let connectPatience = 15

    private let authorities: [UInt8]

    /// Call it before the sandbox stands: OpenSSL reads its configuration here.
    ///
    /// - Parameter authorities: PEM of whom to trust.
    init(authorities: [UInt8]) {
        curl_global_init(Int(CURL_GLOBAL_DEFAULT))
        self.authorities = authorities
        // A context made and thrown away loads what OpenSSL loads once.
        if let handle = unsafe curl_easy_init() { unsafe curl_easy_cleanup(handle) }
    }

    func fetch(_ request: FetchRequest) -> FetchAnswer {
        guard let handle = unsafe curl_easy_init() else { return .failed("out of memory") }
        defer { unsafe curl_easy_cleanup(handle) }
        unsafe set(handle, request)
        let lists = unsafe setLists(handle, request)
        defer { for index in unsafe lists.indices { unsafe curl_slist_free_all(lists[index]) } }

        let intake = Intake(longestBody: Self.longestBody, longestHead: Self.longestHead)
        let context = unsafe Unmanaged.passUnretained(intake).toOpaque()
        unsafe gh_curl_function(handle, CURLOPT_WRITEFUNCTION) { bytes, _, count, context in
            unsafe Intake.take(bytes, count, context) { unsafe $0.body($1) }
        }
        unsafe gh_curl_context(handle, CURLOPT_WRITEDATA, context)
        unsafe gh_curl_function(handle, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
            unsafe Intake.take(bytes, size * count, context) { unsafe $0.head($1) }
        }
        unsafe gh_curl_context(handle, CURLOPT_HEADERDATA, context)

        // Sound: the bytes are lent for the call.
        let code = unsafe authorities.withUnsafeBytes { bytes in
            var blob = unsafe curl_blob(
                data: UnsafeMutableRawPointer(mutating: bytes.baseAddress),
                len: bytes.count,
                flags: UInt32(CURL_BLOB_NOCOPY)
            )
            unsafe gh_curl_blob(handle, CURLOPT_CAINFO_BLOB, &blob)
            return unsafe curl_easy_perform(handle)
        }
        // The callbacks' context lives until here.
        return withExtendedLifetime(intake) {
            if let complaint = intake.complaint { return .excessive(complaint) }
            guard code == CURLE_OK else {
                // Sound: the texts are static.
                let text =
                    code == CURLE_OPERATION_TIMEDOUT
                    ? "no answer in \(request.patience) s" : unsafe String(cString: curl_easy_strerror(code))
                return .failed(text)
            }
            var status = 0
            unsafe gh_curl_status(handle, &status)
            return .answered(status: status, fields: intake.fields, body: intake.bytes)
        }
    }

    @unsafe
    private func set(_ handle: UnsafeMutableRawPointer, _ request: FetchRequest) {
        unsafe gh_curl_text(handle, CURLOPT_URL, request.url)
        unsafe gh_curl_text(handle, CURLOPT_PROTOCOLS_STR, "https")
        unsafe gh_curl_text(handle, CURLOPT_CAINFO, nil)
        unsafe gh_curl_text(handle, CURLOPT_CAPATH, nil)
        unsafe gh_curl_text(handle, CURLOPT_PROXY, "")
        unsafe gh_curl_text(handle, CURLOPT_USERAGENT, request.agent)
        unsafe gh_curl_number(handle, CURLOPT_NOSIGNAL, 1)
        unsafe gh_curl_number(handle, CURLOPT_TIMEOUT, request.patience)
        unsafe gh_curl_number(handle, CURLOPT_CONNECTTIMEOUT, Self.connectPatience)
        unsafe gh_curl_number(handle, CURLOPT_FOLLOWLOCATION, 0)
        unsafe gh_curl_number(handle, CURLOPT_SSL_VERIFYPEER, 1)
        unsafe gh_curl_number(handle, CURLOPT_SSL_VERIFYHOST, 2)
        switch request.method {
        case .get: break
        case .head: unsafe gh_curl_number(handle, CURLOPT_NOBODY, 1)
        case .post:
            unsafe gh_curl_number(handle, CURLOPT_POST, 1)
            // The size goes first: without it a copy would end at a zero byte.
            unsafe gh_curl_number(handle, CURLOPT_POSTFIELDSIZE, request.body.utf8.count)
            unsafe gh_curl_text(handle, CURLOPT_COPYPOSTFIELDS, request.body)
        }
    }

    /// Fields, and where the host is. libcurl keeps the lists until it is done.
    @unsafe
    private func setLists(
        _ handle: UnsafeMutableRawPointer,
        _ request: FetchRequest
    ) -> [UnsafeMutablePointer<curl_slist>] {
        var lists: [UnsafeMutablePointer<curl_slist>] = unsafe []
        if request.method == .post,
            let fields = unsafe curl_slist_append(nil, "Content-Type: application/jose+json")
        {
            // No waiting for 100 Continue.
            let list = unsafe curl_slist_append(fields, "Expect:") ?? fields
            unsafe lists.append(list)
            unsafe gh_curl_list(handle, CURLOPT_HTTPHEADER, list)
        }
        if !request.addresses.isEmpty {
            let place = "\(request.host):\(request.port):\(request.addresses.joined(separator: ","))"
            if let list = unsafe curl_slist_append(nil, place) {
                unsafe lists.append(list)
                unsafe gh_curl_list(handle, CURLOPT_RESOLVE, list)
            }
        }
        return unsafe lists
    }
}

/// What libcurl's callbacks fill.
private final class Intake {
    private let longestBody: Int
    private let longestHead: Int
    private var headBytes = 0
    private(set) var bytes: [UInt8] = []
    private(set) var fields: [String: String] = [:]
    /// Why it took no more.
    private(set) var complaint: String?

    init(longestBody: Int, longestHead: Int) {
        self.longestBody = longestBody
        self.longestHead = longestHead
    }

    /// Lends the bytes of a callback; what it returns tells libcurl to go on or to stop.
    @unsafe
    static func take(
        _ bytes: UnsafeMutablePointer<CChar>?,
        _ count: Int,
        _ context: UnsafeMutableRawPointer?,
        _ use: (Intake, UnsafeRawBufferPointer) -> Bool
    ) -> Int {
        guard let context = unsafe context else { return 0 }
        // Sound: `fetch` keeps the object until libcurl is done.
        let intake = unsafe Unmanaged<Intake>.fromOpaque(context).takeUnretainedValue()
        return unsafe use(intake, UnsafeRawBufferPointer(start: bytes, count: count)) ? count : 0
    }

    @unsafe
    func body(_ part: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count + part.count <= longestBody else {
            complaint = "its answer is longer than \(longestBody) bytes, the most that is taken"
            return false
        }
        unsafe bytes.append(contentsOf: part)
        return true
    }

    @unsafe
    func head(_ line: UnsafeRawBufferPointer) -> Bool {
        headBytes += line.count
        guard headBytes <= longestHead else {
            complaint = "the head of its answer is longer than \(longestHead) bytes, the most that is taken"
            return false
        }
        let text = unsafe String(decoding: line, as: UTF8.self)
        // A new head, after an interim answer.
        if text.hasPrefix("HTTP/") { fields = [:] }
        guard let colon = text.firstIndex(of: ":") else { return true }
        let value = text[text.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
        let (name, line) = (text[..<colon].lowercased(), String(value.prefix { !$0.isNewline }))
        // The one list that is told from several lines (RFC 9110, section 5.3).
        fields[name] = name == "link" ? fields[name].map { "\($0), \(line)" } ?? line : line
        return true
    }
}
