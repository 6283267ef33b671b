"""The families of 2023 and before: what their models read, word for word as their publishers write it."""

from tests.fakes.family import Family

HISTORIC = (
    Family(
        "plain",
        "spm",
        # Latchkey's own (desktop/engine/worker/chat_template.py)
        published=(
            "<s>You are a careful assistant.\n\n### User:\nWhat is a ledger?\n\n### Assistant:\nA book of records.\n\n"
            "### User:\nWho keeps it?\n\n### Assistant:\n"
        ),
    ),
    Family(
        "completion",
        "olmo",
        # Latchkey's own: plain continuation
        published="You are a careful assistant.\n\nWhat is a ledger? A book of records.\n\nWho keeps it?",
        bos="<|endoftext|>",
        eos="<|endoftext|>",
        add_bos=False,
    ),
    Family(
        "llama-2",
        "spm",
        # Meta, github.com/meta-llama/llama: chat_completion in llama/generation.py
        published=(
            "<s>[INST] <<SYS>>\nYou are a careful assistant.\n<</SYS>>\n\nWhat is a ledger? [/INST] A book of records. "
            "</s><s>[INST] Who keeps it? [/INST]"
        ),
    ),
    Family(
        "alpaca",
        "spm",
        # Stanford, github.com/tatsu-lab/stanford_alpaca: PROMPT_DICT in train.py, one turn; the rest in its style
        published=(
            "<s>You are a careful assistant.\n\n### Instruction:\nWhat is a ledger?\n\n### Response:A book of records."
            "</s>\n\n### Instruction:\nWho keeps it?\n\n### Response:"
        ),
        alone=(
            "<s>Below is an instruction that describes a task. Write a response that appropriately completes the "
            "request.\n\n### Instruction:\nWhat is a ledger?\n\n### Response:"
        ),
    ),
    Family(
        "vicuna-v0",
        "spm",
        # LMSYS, github.com/lm-sys/FastChat: docs/vicuna_weights_version.md, example prompt (weights v0)
        published=(
            "<s>You are a careful assistant.\n\n### Human: What is a ledger?\n### Assistant: A book of records.\n"
            "### Human: Who keeps it?\n### Assistant:"
        ),
        alone=(
            "<s>A chat between a curious human and an artificial intelligence assistant. The assistant gives helpful, "
            "detailed, and polite answers to the human's questions.\n\n### Human: What is a ledger?\n### Assistant:"
        ),
    ),
    Family(
        "vicuna-v1.1",
        "spm",
        # LMSYS, fschat 0.2.36: vicuna_v1.1 in fastchat/conversation.py
        published=(
            "<s>You are a careful assistant. USER: What is a ledger? ASSISTANT: A book of records."
            "</s>USER: Who keeps it? ASSISTANT:"
        ),
        alone=(
            "<s>A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, "
            "detailed, and polite answers to the user's questions. USER: What is a ledger? ASSISTANT:"
        ),
    ),
    Family(
        "stablevicuna",
        "spm",
        # CarperAI, space StableVicuna: app.py; fschat 0.2.36: stable-vicuna
        published=(
            "<s>You are a careful assistant.\n\n### Human: What is a ledger?\n### Assistant: A book of records.\n\n"
            "### Human: Who keeps it?\n### Assistant:"
        ),
        alone=(
            "<s>### Assistant: I am StableVicuna, a large language model created by CarperAI. I am here to chat!\n\n"
            "### Human: What is a ledger?\n### Assistant:"
        ),
    ),
    Family(
        "guanaco",
        "spm",
        # github.com/artidoro/qlora: examples/guanaco_generate.py; turns as in timdettmers/openassistant-guanaco
        published=(
            "<s>You are a careful assistant. ### Human: What is a ledger?### Assistant: A book of records.### Human: "
            "Who keeps it?### Assistant: "
        ),
        alone=(
            "<s>A chat between a curious human and an artificial intelligence assistant. The assistant gives helpful, "
            "detailed, and polite answers to the user's questions. ### Human: What is a ledger?### Assistant: "
        ),
    ),
    Family(
        "stablelm-tuned",
        "olmo",
        # Stability AI, github.com/Stability-AI/StableLM: README.md
        published=(
            "<|SYSTEM|>You are a careful assistant.<|USER|>What is a ledger?<|ASSISTANT|>A book of records."
            "<|USER|>Who keeps it?<|ASSISTANT|>"
        ),
        alone=(
            "<|SYSTEM|># StableLM Tuned (Alpha version)\n"
            "- StableLM is a helpful and harmless open-source AI language model developed by StabilityAI.\n- StableLM "
            "is excited to be able to help the user, but will refuse to do anything that could be considered harmful "
            "to the user.\n- StableLM is more than just an information source, StableLM is also able to write poetry, "
            "short stories, and make jokes.\n"
            "- StableLM will refuse to participate in anything that could harm a human.\n<|USER|>What is a ledger?"
            "<|ASSISTANT|>"
        ),
        bos="<|endoftext|>",
        eos="<|endoftext|>",
        controls=("<|SYSTEM|>", "<|USER|>", "<|ASSISTANT|>", "<|padding|>"),
        add_bos=False,
    ),
    Family(
        "stablelm-2-zephyr",
        "stablelm2",
        # Stability AI: card of stabilityai/stablelm-2-zephyr-1_6b; the system message in the form of Zephyr's
        published=(
            "<|system|>\nYou are a careful assistant.<|endoftext|>\n<|user|>\nWhat is a ledger?<|endoftext|>\n"
            "<|assistant|>\nA book of records.<|endoftext|>\n<|user|>\nWho keeps it?<|endoftext|>\n<|assistant|>\n"
        ),
        bos="<|endoftext|>",
        eos="<|endoftext|>",
        add_bos=False,
    ),
    Family(
        "oasst-pythia",
        "olmo",
        # LAION, github.com/LAION-AI/Open-Assistant: model/MESSAGE_AND_TOKEN_FORMAT.md, message format v2
        published=(
            "You are a careful assistant.<|prompter|>What is a ledger?<|endoftext|><|assistant|>A book of records."
            "<|endoftext|><|prompter|>Who keeps it?<|endoftext|><|assistant|>"
        ),
        bos="<|endoftext|>",
        eos="<|endoftext|>",
        controls=("<|prompter|>", "<|assistant|>", "<|system|>", "<|prefix_begin|>", "<|prefix_end|>"),
        add_bos=False,
    ),
    Family(
        "oasst-llama",
        "spm",
        # LAION, as above with LLaMA's end token; fschat 0.2.36: oasst_llama
        published=(
            "<s>You are a careful assistant.<|prompter|>What is a ledger?</s><|assistant|>A book of records.</s>"
            "<|prompter|>Who keeps it?</s><|assistant|>"
        ),
        controls=("<|prompter|>", "<|assistant|>", "<|system|>", "<|prefix_begin|>", "<|prefix_end|>"),
    ),
    Family(
        "dolly",
        "olmo",
        # Databricks, github.com/databrickslabs/dolly: training/consts.py
        published=(
            "You are a careful assistant.\n\n### Instruction:\nWhat is a ledger?\n\n### Response:\n"
            "A book of records.\n\n### End\n\n### Instruction:\nWho keeps it?\n\n### Response:\n"
        ),
        alone=(
            "Below is an instruction that describes a task. Write a response that appropriately completes the "
            "request.\n\n### Instruction:\nWhat is a ledger?\n\n### Response:\n"
        ),
        bos="<|endoftext|>",
        eos="<|endoftext|>",
        controls=("### End", "### Instruction:", "### Response:\n"),
        add_bos=False,
    ),
    Family(
        "chatml",
        "qwen2",
        # Qwen: chat template of Qwen/Qwen2.5-7B-Instruct
        published=(
            "<|im_start|>system\nYou are a careful assistant.<|im_end|>\n<|im_start|>user\nWhat is a ledger?"
            "<|im_end|>\n<|im_start|>assistant\nA book of records.<|im_end|>\n<|im_start|>user\nWho keeps it?"
            "<|im_end|>\n<|im_start|>assistant\n"
        ),
        bos="<|endoftext|>",
        eos="<|im_end|>",
        controls=("<|im_start|>", "<|im_end|>"),
        add_bos=False,
    ),
    Family(
        "falcon-instruct",
        "falcon",
        # TII: chat template of tiiuae/falcon-7b-instruct
        published=(
            "You are a careful assistant.\n\nUser: What is a ledger?\n\nAssistant: A book of records.\n\n"
            "User: Who keeps it?\n\nAssistant:"
        ),
        bos="<|endoftext|>",
        eos="<|endoftext|>",
        add_bos=False,
    ),
    Family(
        "mpt-chat",
        "mpt",
        # MosaicML, fschat 0.2.36: mpt-7b-chat in fastchat/conversation.py
        published=(
            "<|im_start|>system\nYou are a careful assistant.<|im_end|>\n<|im_start|>user\nWhat is a ledger?"
            "<|im_end|>\n<|im_start|>assistant\nA book of records.<|im_end|>\n<|im_start|>user\nWho keeps it?"
            "<|im_end|>\n<|im_start|>assistant\n"
        ),
        alone=(
            "<|im_start|>system\n- You are a helpful assistant chatbot trained by MosaicML.\n- You answer questions.\n"
            "- You are excited to be able to help the user, but will refuse to do anything that could be considered "
            "harmful to the user.\n- You are more than just an information source, you are also able to write poetry, "
            "short stories, and make jokes.<|im_end|>\n<|im_start|>user\nWhat is a ledger?<|im_end|>\n"
            "<|im_start|>assistant\n"
        ),
        bos="<|endoftext|>",
        eos="<|endoftext|>",
        controls=("<|im_start|>", "<|im_end|>"),
        add_bos=False,
    ),
    Family(
        "redpajama-chat",
        "olmo",
        # Together, github.com/togethercomputer/OpenChatKit: inference/conversation.py
        published=(
            "You are a careful assistant.\n\n<human>: What is a ledger?\n<bot>: A book of records.\n"
            "<human>: Who keeps it?\n<bot>:"
        ),
        bos="<|endoftext|>",
        eos="<|endoftext|>",
        add_bos=False,
    ),
    Family(
        "gpt4all-j",
        "gpt-2",
        # Nomic AI, github.com/nomic-ai/gpt4all: DEFAULT_MODEL_CONFIG in gpt4all-bindings/python/gpt4all/gpt4all.py
        published=(
            "You are a careful assistant.\n\n### Human: \nWhat is a ledger?\n### Assistant:\nA book of records.\n"
            "### Human: \nWho keeps it?\n### Assistant:\n"
        ),
        bos="<|endoftext|>",
        eos="<|endoftext|>",
        add_bos=False,
    ),
)
