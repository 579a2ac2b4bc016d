"""Both providers' SDKs through the gateway: `sdk.py URL` prints a line for each check and fails with the first that does not hold.

The gateway runs the demo's policy with 127.0.0.2 among the denied sources and a key more, in front of the stub provider, which is told
by `x-stub-*` headers what to answer. Addresses of corp.example are masked. The limits are far away but for that key's: one request every two seconds.
"""

import json
import sys

import anthropic
import openai

URL = sys.argv[1]
KEY = "sk-demo-portcullis"
RESEARCH_KEY = "sk-demo-research"
SLOW_KEY = "sk-demo-slow"
PROMPT = "a-prompt-that-nobody-may-log"
SSN = "123-45-6789"
SECRET = "sk-ant-api03Zq9Xw8Vu7Ts6Rq5Po4Nm3"
ECHO = "Happy to help. You said: "
ADDRESS = "jane@corp.example"
# What stands for it at the provider, under the mask key of the tests.
MASKED = "[EMAIL-PDCHCRNKPBTPCMLGFQFP]"


def openai_client(key=KEY, retries=0, source=None):
    return openai.OpenAI(
        base_url=f"{URL}/v1", api_key=key or "none", max_retries=retries, http_client=http_client(openai, key, source)
    )


def anthropic_client(key=KEY, retries=0, source=None):
    return anthropic.Anthropic(
        base_url=URL, api_key=key or "none", max_retries=retries, http_client=http_client(anthropic, key, source)
    )


def http_client(sdk, key, source):
    """The SDK's own client, but from another address, or without the key that the SDK insists on."""
    # `trust_env` would let a proxy of this machine come between.
    options = {"trust_env": False}
    if source is not None:
        options["transport"] = http_module(sdk).HTTPTransport(local_address=source)
    if key is None:
        options["event_hooks"] = {"request": [remove_key]}
    return sdk.DefaultHttpxClient(**options)


def remove_key(request):
    for name in ("authorization", "x-api-key"):
        request.headers.pop(name, None)


def http_module(sdk):
    """The HTTP library that this version of the SDK is built on: `httpx` or one of its successors."""
    return sys.modules[sdk.DefaultHttpxClient.__mro__[1].__module__.partition(".")[0]]


class OpenAI:
    """The calls of the tests in OpenAI's words."""

    errors = openai
    model = "gpt-4o-mini"

    @staticmethod
    def create(prompt, client=None, model=model, **more):
        messages = [{"role": "user", "content": prompt}]
        return (client or openai_client()).chat.completions.create(model=model, messages=messages, **more)

    @classmethod
    def text(cls, prompt, **more):
        return cls.create(prompt, **more).choices[0].message.content

    @classmethod
    def stream(cls, prompt, **more):
        usage = None
        parts = []
        for chunk in cls.create(prompt, stream=True, stream_options={"include_usage": True}, **more):
            usage = chunk.usage or usage
            parts += [choice.delta.content or "" for choice in chunk.choices]
        assert usage.completion_tokens > 0
        return "".join(parts)

    @classmethod
    def called_with(cls, prompt, stream, **more):
        """What the model calls a tool with."""
        if not stream:
            return json.loads(cls.create(prompt, **more).choices[0].message.tool_calls[0].function.arguments)
        arguments = ""
        for chunk in cls.create(prompt, stream=True, **more):
            for choice in chunk.choices:
                arguments += "".join(call.function.arguments or "" for call in choice.delta.tool_calls or [])
        return json.loads(arguments)

    @staticmethod
    def code(error):
        return error.code

    client = staticmethod(openai_client)


class Responses(OpenAI):
    """The same of the API that OpenAI's SDKs and Codex use by default."""

    @staticmethod
    def create(prompt, client=None, model=OpenAI.model, max_tokens=openai.omit, **more):
        client = client or openai_client()
        return client.responses.create(model=model, input=prompt, max_output_tokens=max_tokens, **more)

    @classmethod
    def text(cls, prompt, **more):
        return cls.create(prompt, **more).output_text

    @classmethod
    def stream(cls, prompt, **more):
        """What the deltas say; all that repeats them must say the same."""
        text, done = "", []
        for event in cls.create(prompt, stream=True, **more):
            if event.type == "response.output_text.delta":
                text += event.delta
            elif event.type == "response.output_text.done":
                done.append(event.text)
            elif event.type == "response.content_part.done":
                done.append(event.part.text)
            elif event.type == "response.output_item.done":
                done.append(event.item.content[0].text)
            elif event.type == "response.completed":
                done.append(event.response.output_text)
                assert event.response.usage.output_tokens > 0
        assert done == [text] * 4, (text, done)
        return text

    @classmethod
    def called_with(cls, prompt, stream, **more):
        if not stream:
            return json.loads(cls.create(prompt, **more).output[-1].arguments)
        arguments, done = "", []
        for event in cls.create(prompt, stream=True, **more):
            if event.type == "response.function_call_arguments.delta":
                arguments += event.delta
            elif event.type == "response.function_call_arguments.done":
                done.append(event.arguments)
            elif event.type == "response.output_item.done":
                done.append(event.item.arguments)
            elif event.type == "response.completed":
                done.append(event.response.output[-1].arguments)
        assert done == [arguments] * 3, (arguments, done)
        return json.loads(arguments)


class Anthropic:
    """The same in Anthropic's."""

    errors = anthropic
    model = "claude-3-5-sonnet"

    @staticmethod
    def create(prompt, client=None, model=model, **more):
        messages = [{"role": "user", "content": prompt}]
        # With a timeout of its own, or the SDK refuses large caps by itself.
        more = {"max_tokens": 200, "timeout": 60, **more}
        return (client or anthropic_client()).messages.create(model=model, messages=messages, **more)

    @classmethod
    def text(cls, prompt, **more):
        return cls.create(prompt, **more).content[0].text

    @staticmethod
    def stream(prompt, client=None, **more):
        messages = [{"role": "user", "content": prompt}]
        opened = (client or anthropic_client()).messages.stream(
            model=Anthropic.model, max_tokens=200, messages=messages, **more
        )
        with opened as stream:
            text = "".join(stream.text_stream)
            assert stream.get_final_message().usage.output_tokens > 0
        return text

    @classmethod
    def called_with(cls, prompt, stream, **more):
        if not stream:
            return cls.create(prompt, **more).content[-1].input
        messages = [{"role": "user", "content": prompt}]
        with anthropic_client().messages.stream(model=cls.model, max_tokens=200, messages=messages, **more) as opened:
            return opened.get_final_message().content[-1].input

    @staticmethod
    def code(error):
        return error.response.headers["x-portcullis-reason"]

    client = staticmethod(anthropic_client)


def check(name, holds):
    assert holds, name
    print("ok", name)


def raises(api, kind, code, call):
    """`call` raises the SDK's own exception for this status, with our code in the place where that API has one."""
    expected = getattr(api.errors, kind)
    try:
        call()
    except expected as error:
        assert api.code(error) == code, f"{kind}: {api.code(error)} instead of {code}"
        assert error.response.headers["x-portcullis-reason"] == code
        assert error.request_id or error.response.headers["x-request-id"]
        for secret in (KEY, SSN, SECRET, PROMPT, "sk-wrong"):
            assert secret not in json.dumps(error.body), f"{kind} tells {secret}"
        print("ok", api.__name__, kind, code)
    else:
        raise AssertionError(f"no {kind} but an answer; {code} was expected")


for api in (OpenAI, Responses, Anthropic):
    name = api.__name__
    check(f"{name} answers", api.text(PROMPT) == ECHO + PROMPT)
    check(f"{name} streams", api.stream(PROMPT) == ECHO + PROMPT)

    raises(api, "AuthenticationError", "invalid_api_key", lambda: api.create(PROMPT, api.client("sk-wrong-3fa9c1")))
    raises(api, "AuthenticationError", "missing_api_key", lambda: api.create(PROMPT, api.client(None)))
    raises(api, "PermissionDeniedError", "model_not_allowed", lambda: api.create(PROMPT, model="no-such-model"))
    other_team = lambda: api.create(PROMPT, api.client(RESEARCH_KEY))
    raises(api, "PermissionDeniedError", "model_not_allowed", other_team)
    from_there = lambda: api.create(PROMPT, api.client(source="127.0.0.2"))
    raises(api, "PermissionDeniedError", "source_not_allowed", from_there)

    raises(api, "BadRequestError", "dlp_blocked", lambda: api.create(f"My SSN is {SSN}."))
    raises(api, "BadRequestError", "dlp_blocked", lambda: api.stream(f"My SSN is {SSN}."))
    # Retries do not help, and the SDK knows.
    raises(api, "BadRequestError", "dlp_blocked", lambda: api.create(f"My SSN is {SSN}.", api.client(retries=5)))
    too_much = 10**9
    raises(api, "RateLimitError", "request_exceeds_limit", lambda: api.create(PROMPT, max_tokens=too_much))
    again = api.client(retries=5)
    raises(api, "RateLimitError", "request_exceeds_limit", lambda: api.create(PROMPT, again, max_tokens=too_much))

    # The bucket of this key holds one request. The second is refused; the SDK's own retry passes only because it waits as long as it is
    # told (its first pause would be half a second).
    api.create(PROMPT, api.client(SLOW_KEY, retries=3))
    raises(api, "RateLimitError", "rate_limit_requests", lambda: api.create(PROMPT, api.client(SLOW_KEY)))
    api.create(PROMPT, api.client(SLOW_KEY, retries=1))
    check(f"{name} waits as told", True)

    echoed = api.text(f"before {SECRET} after")
    check(f"{name} redacts a prompt", echoed.startswith(ECHO + "before ") and echoed.endswith(" after") and SECRET not in echoed)
    for delta in (1, 2, 3, 5, 8, 13, 40):
        script = {"x-stub-text": f"before {SECRET} after", "x-stub-delta": str(delta), "x-stub-chunk": str(delta * 3)}
        streamed = api.stream(PROMPT, extra_headers=script)
        whole = streamed.startswith("before ") and streamed.endswith(" after")
        check(f"{name} redacts a stream in deltas of {delta}", whole and SECRET[:14] not in streamed)
    text = api.text(PROMPT, extra_headers={"x-stub-text": f"before {SECRET} after"})
    check(f"{name} redacts an answer", text.startswith("before ") and text.endswith(" after") and SECRET[:14] not in text)

    asked = f"write to {ADDRESS} now"
    check(f"{name} gets back what was masked", api.text(asked) == ECHO + asked)
    for delta in (1, 2, 7, 27, 28, 100):
        script = {"x-stub-text": f"To {MASKED}: {MASKED}", "x-stub-delta": str(delta), "x-stub-chunk": str(delta * 3)}
        check(f"{name} gets it back in deltas of {delta}", api.stream(asked, extra_headers=script) == f"To {ADDRESS}: {ADDRESS}")
    for stream in (False, True):
        script = {"x-stub-tool": json.dumps({"to": MASKED, "deep": {"cc": [MASKED, "x"]}}), "x-stub-delta": "5"}
        called = api.called_with(asked, stream, extra_headers=script)
        whole = called == {"to": ADDRESS, "deep": {"cc": [ADDRESS, "x"]}}
        check(f"{name} calls tools with it ({'stream' if stream else 'whole'})", whole)

    models = [model.id for model in api.client().models.list()]
    check(f"{name} lists models", api.model in models)

# Who did not ask for usage gets no chunk without choices, though the gateway asked for it and counted.
chunks = list(OpenAI.create(PROMPT, stream=True))
check("OpenAI streams without usage", all(chunk.choices and not chunk.usage for chunk in chunks))
check("and says all the same", "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == ECHO + PROMPT)

raises(OpenAI, "NotFoundError", "unknown_endpoint", lambda: openai_client().moderations.create(input=PROMPT))
embed = lambda text, model=OpenAI.model: openai_client().embeddings.create(model=model, input=text)
check("OpenAI embeds", len(embed([PROMPT, "and this"]).data) == 2)
raises(OpenAI, "BadRequestError", "dlp_blocked", lambda: embed(f"My SSN is {SSN}."))
raises(OpenAI, "PermissionDeniedError", "model_not_allowed", lambda: embed(PROMPT, "no-such-model"))

# What the provider keeps is nobody's to fetch.
raises(Responses, "BadRequestError", "malformed_body", lambda: Responses.create(PROMPT, background=True))
raises(Responses, "BadRequestError", "malformed_body", lambda: Responses.create(PROMPT, previous_response_id="resp_stub00000001"))
raises(Responses, "NotFoundError", "unknown_endpoint", lambda: openai_client().responses.retrieve("resp_stub00000001"))
raises(Responses, "NotFoundError", "unknown_endpoint", lambda: openai_client().responses.cancel("resp_stub00000001"))
thought = {"x-stub-reasoning": f"the key is {SECRET}, well", "x-stub-delta": "4"}
said = Responses.create([{"role": "user", "content": [{"type": "input_text", "text": PROMPT}]}], extra_headers=thought)
check("Responses redacts what the model thought", said.output[0].summary[0].text.startswith("the key is ") and SECRET[:14] not in said.to_json())
history = [{"role": "user", "content": PROMPT}, *said.output, {"role": "user", "content": "and now?"}]
check("Responses takes its own output as input", Responses.text(history) == ECHO + "and now?")
counted = anthropic_client().messages.count_tokens(model=Anthropic.model, messages=[{"role": "user", "content": PROMPT}])
check("Anthropic counts tokens", counted.input_tokens > 0)

try:
    OpenAI.stream(PROMPT, extra_headers={"x-stub-text": f"before {SSN} after", "x-stub-delta": "3"})
except openai.APIError as error:
    check("OpenAI raises when a stream is stopped", error.code == "response_blocked")
else:
    raise AssertionError("no error in a stream that was stopped")
try:
    Responses.stream(PROMPT, extra_headers={"x-stub-text": f"before {SSN} after", "x-stub-delta": "3"})
except openai.APIError as error:
    check("Responses raises when a stream is stopped", error.code == "response_blocked")
else:
    raise AssertionError("no error in a stream that was stopped")
try:
    Anthropic.stream(PROMPT, extra_headers={"x-stub-text": f"before {SSN} after", "x-stub-delta": "3"})
except anthropic.APIError as error:
    check("Anthropic raises when a stream is stopped", error.body["error"]["type"] == "api_error")
else:
    raise AssertionError("no error in a stream that was stopped")
