import CNFTables
import Glibc
import Linux

/// libnftables with one context (libnftables(3)). Belongs to one thread.
///
/// A context grows with each listing, and a ruleset that a newer nft wrote can crash this library: use it in a process
/// that ends after its task, as `KernelWorker` does.
@safe
struct NFTables: ~Copyable {
    private let context: OpaquePointer

    /// - Throws: when the library has no memory, or cannot buffer what it says.
    init() throws(RulesetProblems) {
        guard let context = unsafe nft_ctx_new(UInt32(NFT_CTX_DEFAULT)) else {
            throw RulesetProblems("libnftables has no memory for a context")
        }
        guard unsafe nft_ctx_buffer_output(context) == 0, unsafe nft_ctx_buffer_error(context) == 0 else {
            unsafe nft_ctx_free(context)
            throw RulesetProblems("libnftables cannot keep what it prints in memory")
        }
        unsafe self.context = context
    }

    deinit { unsafe nft_ctx_free(context) }

    /// Runs commands as one transaction: all of them take effect, or none.
    ///
    /// The JSON flag is off, so that text is text: with the flag a buffer is read as JSON first, and as text when that
    /// fails.
    func load(_ text: String) throws(RulesetProblems) {
        // A C string ends at the first zero: what follows it would be left out without a word.
        guard !text.utf8.contains(0) else { throw RulesetProblems("the ruleset holds a zero byte and is not loaded") }
        unsafe nft_ctx_output_set_flags(context, 0)
        let file: FileDescriptor
        do {
            file = try SealedMemory.create(name: "gatehouse-nft", Array(text.utf8))
        } catch {
            throw RulesetProblems("the ruleset cannot be handed to libnftables: \(error)")
        }
        // A file, not a buffer: only for files do errors name their line.
        _ = try output(of: unsafe nft_run_cmd_from_filename(context, "/proc/self/fd/\(file.raw)"))
    }

    /// What a listing prints.
    ///
    /// - Parameter json: as JSON, every number as a number whatever /etc/services calls it; else as text of which `load`
    ///   makes the same again. That of `fib … oif missing` as a number (`oif 0`) is another rule.
    func list(_ listing: RulesetListing, json: Bool) throws(RulesetProblems) -> [UInt8] {
        let flags = json ? UInt32(NFT_CTX_OUTPUT_NUMERIC_ALL) | UInt32(NFT_CTX_OUTPUT_JSON) : Self.text
        unsafe nft_ctx_output_set_flags(context, flags)
        return try output(of: unsafe nft_run_cmd_from_buffer(context, listing.command))
    }

    private static let text =
        UInt32(NFT_CTX_OUTPUT_STATELESS) | UInt32(NFT_CTX_OUTPUT_NUMERIC_PROTO)
        | UInt32(NFT_CTX_OUTPUT_NUMERIC_PRIO) | UInt32(NFT_CTX_OUTPUT_NUMERIC_TIME)

    /// What the call that returned `code` printed.
    private func output(of code: Int32) throws(RulesetProblems) -> [UInt8] {
        // Sound: both buffers belong to the context, end with a zero, and are copied before its next call. A buffer is
        // emptied when it is asked for.
        let said = unsafe nft_ctx_get_error_buffer(context).map { unsafe String(cString: $0) } ?? ""
        guard code == 0 else { throw RulesetProblems(parsing: said) }
        guard let output = unsafe nft_ctx_get_output_buffer(context) else { return [] }
        return unsafe [UInt8](UnsafeRawBufferPointer(start: output, count: strlen(output)))
    }
}
