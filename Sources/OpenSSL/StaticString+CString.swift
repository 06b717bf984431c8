extension StaticString {
    /// The literal for C code that keeps the pointer, such as the names in an OSSL_PARAM: a pointer that
    /// Swift makes of a `String` argument ends with the call.
    internal var cString: UnsafePointer<CChar> {
        // Sound: literals live for ever and end with a zero byte.
        unsafe UnsafeRawPointer(utf8Start).assumingMemoryBound(to: CChar.self)
    }
}
