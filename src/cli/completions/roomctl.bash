# Completes roomctl in bash.
_FUNCTION() {
    # Bash also splits the line at = and :, which options and room ids may contain. Pieces without a
    # blank between them are joined to one word.
    local rest="${COMP_LINE:0:COMP_POINT}" piece prefix candidate last=-1 i
    local -a words=()
    for ((i = 0; i <= COMP_CWORD; i++)); do
        if ((last < 0)) || [[ -z $rest || $rest == [[:blank:]]* ]]; then
            rest="${rest#"${rest%%[![:blank:]]*}"}"
            words[++last]=""
        fi
        piece="${COMP_WORDS[i]}"
        ((i < COMP_CWORD)) || piece="$rest"
        words[last]+="$piece"
        rest="${rest#"$piece"}"
    done
    local typed="${words[last]}"
    words=("${words[@]//[\\\'\"]/}")
    # Bash replaces only its own last piece of the last word.
    prefix="${words[last]%"${2//[\\\'\"]/}"}"
    COMPREPLY=()
    while IFS= read -r candidate || [[ -n $candidate ]]; do
        candidate="${candidate#"$prefix"}"
        [[ $typed == [\'\"]* ]] || printf -v candidate %q "$candidate"
        COMPREPLY+=("$candidate")
    done < <(VARIABLE=bash _CLAP_COMPLETE_INDEX=$last COMPLETER -- "${words[@]}" 2>/dev/null)
    if ((${#COMPREPLY[@]} == 1)) && [[ ${COMPREPLY[0]} == *[=/:] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -o nosort -F _FUNCTION BINARY 2>/dev/null || complete -F _FUNCTION BINARY
